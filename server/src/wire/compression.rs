//! `OP_COMPRESSED`: a message within a message.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::cursor::Cursor;
use super::frame::{HEADER_BYTES, Header, Opcode};
use super::{Frame, WireError};

/// The bytes before the compressed ones: the opcode, the length, the compressor.
const PREFIX_BYTES: usize = 9;

/// A way to compress messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compressor {
    /// Snappy.
    Snappy,
    /// Zlib.
    Zlib,
    /// Zstandard.
    Zstd,
}

impl Compressor {
    /// All, the one that is preferred first.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Snappy, Self::Zlib];

    /// The name in `hello`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snappy => "snappy",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }

    /// The compressor of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|compressor| compressor.name() == name)
    }

    fn id(self) -> u8 {
        match self {
            Self::Snappy => 1,
            Self::Zlib => 2,
            Self::Zstd => 3,
        }
    }

    fn compress(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Snappy => Ok(snap::raw::Encoder::new().compress_vec(bytes)?),
            Self::Zlib => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Zstd => zstd::bulk::compress(bytes, 1),
        }
    }

    /// Decompresses exactly `length` bytes.
    fn decompress(self, bytes: &[u8], length: usize) -> Option<Vec<u8>> {
        let decompressed = match self {
            Self::Snappy => {
                if snap::raw::decompress_len(bytes).ok()? != length {
                    return None;
                }
                snap::raw::Decoder::new().decompress_vec(bytes).ok()?
            }
            Self::Zlib => {
                let mut decompressed = Vec::new();
                let most = length as u64 + 1;
                ZlibDecoder::new(bytes).take(most).read_to_end(&mut decompressed).ok()?;
                decompressed
            }
            Self::Zstd => zstd::bulk::decompress(bytes, length).ok()?,
        };
        (decompressed.len() == length).then_some(decompressed)
    }
}

/// The message in a compressed one. It takes at most `most` bytes.
pub(super) fn unwrap(frame: &Frame, most: usize) -> Result<(Frame, Compressor), WireError> {
    let mut content = Cursor(&frame.body);
    let opcode = Opcode::of(content.i32()?)?;
    if opcode == Opcode::Compressed {
        return Err(WireError::malformed("a compressed message in a compressed one"));
    }
    let length = usize::try_from(content.i32()?).ok();
    let length = length.filter(|length| *length <= most - HEADER_BYTES);
    let length = length.ok_or(WireError::malformed("the length of a compressed message"))?;
    let id = content.u8()?;
    // 0 is a message as it is.
    let mut compressors = Compressor::ALL.into_iter();
    let compressor = compressors.find(|compressor| compressor.id() == id);
    let compressor = compressor.ok_or(WireError::Compressor { id })?;
    let body = compressor.decompress(content.0, length);
    let body = body.ok_or(WireError::malformed("its compressed content"))?;
    Ok((Frame { header: Header { opcode, ..frame.header }, body }, compressor))
}

/// Compresses an encoded message; returns it unchanged if that does not make it smaller.
pub(super) fn wrap(message: Vec<u8>, header: Header, compressor: Compressor) -> Vec<u8> {
    let body = &message[HEADER_BYTES..];
    let Ok(compressed) = compressor.compress(body) else { return message };
    if compressed.len() + PREFIX_BYTES >= body.len() {
        return message;
    }
    let length = PREFIX_BYTES + compressed.len();
    let outer = Header { opcode: Opcode::Compressed, ..header };
    let mut bytes = Vec::with_capacity(HEADER_BYTES + length);
    bytes.extend_from_slice(&outer.encode(length));
    bytes.extend_from_slice(&header.opcode.code().to_le_bytes());
    let uncompressed = i32::try_from(body.len()).unwrap_or(i32::MAX);
    bytes.extend_from_slice(&uncompressed.to_le_bytes());
    bytes.push(compressor.id());
    bytes.extend_from_slice(&compressed);
    bytes
}
