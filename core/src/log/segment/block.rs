//! Blocks: the unit of compression and checksums.

use crate::log::segment::{BLOCK_BYTES, Part, corrupt};
use crate::model::codec::{Reader, put_varint};
use crate::model::{Lsn, MAX_DOCUMENT_BYTES};
use crate::{Error, Result};

/// The maximum size of a decompressed block: one document of the largest size.
const MOST_BYTES: u32 = {
    assert!(BLOCK_BYTES <= MAX_DOCUMENT_BYTES && MAX_DOCUMENT_BYTES < u32::MAX as usize);
    #[expect(clippy::cast_possible_truncation, reason = "checked in the line above")]
    let most = MAX_DOCUMENT_BYTES as u32;
    most
};

/// The position and content of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// The first and the last commit with content in the block. A block that continues the commit
    /// of the previous block begins with the same LSN.
    pub(super) first: Lsn,
    pub(super) last: Lsn,
    /// The offset in the file.
    pub(super) offset: u64,
    /// The length in the file. If equal to `raw`, the bytes are uncompressed; otherwise a zstd
    /// frame.
    pub(super) stored: u32,
    /// The decompressed length, at least 1.
    pub(super) raw: u32,
    /// CRC32C of the stored bytes.
    pub(super) crc: u32,
    /// The number of bytes of documents before it: before its first byte in a document block,
    /// before those of its first commit in a header block.
    pub(super) position: u64,
}

impl Block {
    /// The entry of the footer: `first` relative to the last LSN of the previous block, `last`
    /// relative to `first`, raw and stored length, checksum.
    pub(super) fn encode(&self, before: Lsn, out: &mut Vec<u8>) {
        put_varint(out, self.first.get() - before.get());
        put_varint(out, self.last.get() - self.first.get());
        put_varint(out, self.raw.into());
        put_varint(out, self.stored.into());
        out.extend_from_slice(&self.crc.to_le_bytes());
    }

    /// Decodes an entry; the caller sets the position. No number exceeds `head`.
    pub(super) fn decode(
        reader: &mut Reader<'_>,
        before: Lsn,
        head: Lsn,
        offset: u64,
    ) -> Result<Self> {
        let mut lsn = before.get();
        let mut next = |reader: &mut Reader<'_>| -> Result<Lsn> {
            lsn = lsn.saturating_add(reader.varint()?);
            if lsn > head.get() {
                return Err(reader.corrupt("has a block of commits outside of the segment"));
            }
            Ok(Lsn::new(lsn))
        };
        let (first, last) = (next(reader)?, next(reader)?);
        let mut length = |least: u32, most: u32| -> Result<u32> {
            let found = u32::try_from(reader.varint()?).ok();
            found
                .filter(|length| (least..=most).contains(length))
                .ok_or_else(|| reader.corrupt("has a block of an invalid length"))
        };
        let raw = length(1, MOST_BYTES)?;
        let stored = length(1, raw)?;
        let crc = u32::from_le_bytes(reader.array()?);
        Ok(Self { first, last, offset, stored, raw, crc, position: 0 })
    }

    pub(super) fn end(&self) -> u64 {
        self.offset + u64::from(self.stored)
    }
}

/// Verifies and decompresses blocks.
pub(super) struct Decompressor {
    zstd: zstd::bulk::Decompressor<'static>,
}

impl Decompressor {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { zstd: zstd::bulk::Decompressor::new().map_err(zstd_failed)? })
    }

    /// Returns the content of a block, whose bytes are in `part`; it has `block.raw` bytes, and no
    /// more memory is allocated.
    pub(super) fn read(&mut self, name: &str, block: &Block, part: Part<'_>) -> Result<Vec<u8>> {
        let stored = part.get(block.offset..block.end()).ok_or_else(|| {
            Error::internal(format!(
                "bytes {}..{} of segment {name} are required, but were not given",
                block.offset,
                block.end()
            ))
        })?;
        let damaged = |problem: &str| {
            corrupt(name, format!("{problem} (the block at byte {})", block.offset))
        };
        if crc32c::crc32c(stored) != block.crc {
            return Err(damaged("does not match its checksum"));
        }
        if block.stored == block.raw {
            return Ok(stored.to_vec());
        }
        let raw = block.raw as usize;
        let content = self
            .zstd
            .decompress(stored, raw)
            .map_err(|source| damaged("can't be decompressed").with_source(source))?;
        if content.len() == raw {
            Ok(content)
        } else {
            Err(damaged("is shorter than its declared length"))
        }
    }
}

/// Collects bytes into blocks.
pub(super) struct BlockWriter {
    /// The maximum size of a block.
    limit: usize,
    content: Vec<u8>,
    first: Lsn,
    last: Lsn,
    position: u64,
    /// The closed blocks, with offsets relative to the first one, and their bytes.
    pub(super) blocks: Vec<Block>,
    pub(super) stored: Vec<u8>,
}

impl BlockWriter {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            content: Vec::new(),
            first: Lsn::ZERO,
            last: Lsn::ZERO,
            position: 0,
            blocks: Vec::new(),
            stored: Vec::new(),
        }
    }

    /// Appends bytes of the commit at `lsn` to one block; `position` is that of [`Block`].
    pub(super) fn put(
        &mut self,
        zstd: &mut Compressor,
        lsn: Lsn,
        position: u64,
        bytes: &[u8],
    ) -> Result<()> {
        if self.content.len() + bytes.len() > self.limit {
            self.close(zstd)?;
        }
        if self.content.is_empty() {
            (self.first, self.position) = (lsn, position);
        }
        self.content.extend_from_slice(bytes);
        self.last = lsn;
        Ok(())
    }

    /// Appends bytes like [`put`](Self::put); bytes that exceed a block get blocks of their own.
    pub(super) fn put_split(
        &mut self,
        zstd: &mut Compressor,
        lsn: Lsn,
        position: u64,
        bytes: &[u8],
    ) -> Result<()> {
        if bytes.len() <= self.limit {
            return self.put(zstd, lsn, position, bytes);
        }
        self.close(zstd)?;
        for piece in bytes.chunks(self.limit) {
            self.put(zstd, lsn, position, piece)?;
        }
        self.close(zstd)
    }

    /// Closes the open block.
    pub(super) fn close(&mut self, zstd: &mut Compressor) -> Result<()> {
        if self.content.is_empty() {
            return Ok(());
        }
        let offset = self.stored.len();
        zstd.compress(&self.content, &mut self.stored)?;
        let stored = &self.stored[offset..];
        self.blocks.push(Block {
            first: self.first,
            last: self.last,
            offset: offset as u64,
            stored: short(stored.len())?,
            raw: short(self.content.len())?,
            crc: crc32c::crc32c(stored),
            position: self.position,
        });
        self.content.clear();
        Ok(())
    }
}

fn short(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error::internal("a block of a segment is too long"))
}

/// Compresses blocks.
pub(super) struct Compressor {
    zstd: zstd::bulk::Compressor<'static>,
}

impl Compressor {
    /// # Errors
    /// `Invalid` for a level that zstd does not support.
    pub(super) fn new(level: i32) -> Result<Self> {
        if !(1..=22).contains(&level) {
            return Err(Error::invalid(format!("invalid zstd level {level}; expected 1 to 22")));
        }
        Ok(Self { zstd: zstd::bulk::Compressor::new(level).map_err(zstd_failed)? })
    }

    /// Appends the compressed content, or the content itself if that is not longer.
    fn compress(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let compressed = self.zstd.compress(content).map_err(zstd_failed)?;
        let shorter = compressed.len() < content.len();
        out.extend_from_slice(if shorter { &compressed } else { content });
        Ok(())
    }
}

fn zstd_failed(source: std::io::Error) -> Error {
    Error::internal("zstd failed to compress a segment").with_source(source)
}
