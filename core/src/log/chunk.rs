//! The format of a chunk.
//!
//! `argonchk`, version (1 byte), then one zstd frame of entries in key order: key with its length,
//! LSN, document with its length; numbers are varints. The chunk's name is the BLAKE3 digest of its
//! stored bytes, so it is verified before decompression.

use crate::document::key::Key;
use crate::model::codec::{Reader, put_bytes, put_varint};
use crate::model::{Digest, Document, Lsn};
use crate::storage::Version;
use crate::{Error, Result};

/// The version of the format that is written.
pub const CHUNK_VERSION: u8 = 1;

const MAGIC: &[u8; 8] = b"argonchk";

/// The maximum size of a decompressed chunk: the largest document, its key, and the size at which a
/// chunk is cut, with a margin.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Appends an entry to the content of a chunk.
pub(crate) fn put_entry(content: &mut Vec<u8>, key: &Key, lsn: Lsn, document: &Document) {
    put_bytes(content, key.as_bytes());
    put_varint(content, lsn.get());
    put_bytes(content, document.as_bytes());
}

/// Compresses the content of a chunk with this zstd level; returns its name and its bytes.
pub fn encode_chunk(content: &[u8], level: i32) -> Result<(Digest, Vec<u8>)> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(CHUNK_VERSION);
    let compressed = zstd::bulk::compress(content, level)
        .map_err(|source| Error::internal("zstd failed to compress a chunk").with_source(source))?;
    bytes.extend_from_slice(&compressed);
    Ok((Digest::of(&bytes), bytes))
}

/// Verifies a chunk against its name and returns its entries in key order.
///
/// # Errors
/// `Corrupt` if the bytes do not match the name; `Unsupported` for a newer version.
pub fn decode_chunk(digest: Digest, bytes: &[u8]) -> Result<Vec<(Key, Version)>> {
    if Digest::of(bytes) != digest {
        return Err(Error::corrupt(format!(
            "chunk {} does not match its digest; drop the snapshot and make a new one",
            digest.short()
        )));
    }
    let mut reader = Reader::new("chunk", bytes);
    if reader.array()? != *MAGIC {
        return Err(reader.corrupt("does not begin like a chunk"));
    }
    match reader.byte()? {
        CHUNK_VERSION => {}
        newer => {
            return Err(Error::unsupported(format!(
                "a chunk has format {newer}; this version of Argon reads {CHUNK_VERSION}"
            )));
        }
    }
    let content = zstd::bulk::decompress(reader.rest(), MOST_BYTES)
        .map_err(|source| reader.corrupt("can't be decompressed").with_source(source))?;
    let mut reader = Reader::new("chunk", &content);
    let mut entries = Vec::new();
    while !reader.rest().is_empty() {
        let key = Key::from_bytes(reader.bytes()?)
            .map_err(|source| reader.corrupt("has a malformed key").with_source(source))?;
        let lsn = reader.lsn()?;
        let document = Document::from_stored(reader.bytes()?)?;
        entries.push((key, Version { lsn, document }));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    fn content() -> Vec<u8> {
        let mut content = Vec::new();
        for id in 0..100 {
            let (key, document) = Document::checked(rawdoc! { "_id": id, "a": "text" }).unwrap();
            put_entry(&mut content, &key, Lsn::new(7), &document);
        }
        content
    }

    #[test]
    fn a_chunk_comes_back_in_order() {
        let (digest, bytes) = encode_chunk(&content(), 3).unwrap();
        let entries = decode_chunk(digest, &bytes).unwrap();
        assert_eq!(entries.len(), 100);
        assert!(entries.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(bytes.len() < content().len() / 4, "it is compressed");
    }

    #[test]
    fn a_flipped_byte_anywhere_is_found() {
        let (digest, bytes) = encode_chunk(&content(), 3).unwrap();
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert_eq!(
                decode_chunk(digest, &broken).unwrap_err().kind(),
                crate::ErrorKind::Corrupt
            );
        }
    }

    /// With its digest made right again.
    #[test]
    fn a_chunk_with_any_lengths_is_read_or_refused() {
        let mut content = Vec::new();
        let (key, document) = Document::checked(rawdoc! { "_id": 1, "a": "text" }).unwrap();
        put_entry(&mut content, &key, Lsn::new(7), &document);
        crate::model::codec::for_each_damage(&content, |content| {
            let (digest, bytes) = encode_chunk(content, 1).unwrap();
            let kind = decode_chunk(digest, &bytes).err().map(|error| error.kind());
            assert!(kind.is_none_or(|kind| kind == crate::ErrorKind::Corrupt), "{kind:?}");
        });
    }
}
