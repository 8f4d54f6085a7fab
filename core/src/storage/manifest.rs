//! The format of a manifest.
//!
//! `argonman`, version (1 byte), timeline (16 bytes), LSN, time (milliseconds), number of
//! collections; for each its number (8 bytes, little endian) and the count of its chunks; for each
//! chunk its digest (32 bytes), first and last key with their lengths, documents, stored bytes.
//! Numbers are varints. At the end the CRC32C of all before it (4 bytes, little endian).

use bson::DateTime;

use crate::document::key::Key;
use crate::model::codec::{Reader, put_bytes, put_varint};
use crate::model::{CollectionId, Digest, Point, TimelineId};
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"argonman";
const VERSION: u8 = 1;

/// A chunk in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkEntry {
    /// Its name.
    pub digest: Digest,
    /// Its first key.
    pub first: Key,
    /// Its last key.
    pub last: Key,
    /// The number of its documents.
    pub documents: u64,
    /// Its size as stored, in bytes.
    pub bytes: u64,
}

/// The chunks of a collection, in key order; their key ranges don't overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionChunks {
    /// The collection.
    pub collection: CollectionId,
    /// Its chunks.
    pub chunks: Vec<ChunkEntry>,
}

/// The content of a snapshot: its chunks by collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The state of the snapshot.
    pub point: Point,
    /// Its creation time.
    pub created: DateTime,
    /// Its collections by number, the catalog first, without empty ones.
    pub collections: Vec<CollectionChunks>,
}

impl Manifest {
    /// Counts its documents, without those of the catalog.
    pub fn documents(&self) -> u64 {
        self.collections
            .iter()
            .filter(|chunks| chunks.collection != CollectionId::CATALOG)
            .flat_map(|chunks| &chunks.chunks)
            .fold(0, |sum, chunk| chunk.documents.saturating_add(sum))
    }

    /// Returns the stored bytes of its chunks, which other snapshots may share.
    pub fn bytes(&self) -> u64 {
        self.chunks().fold(0, |sum, chunk| chunk.bytes.saturating_add(sum))
    }

    /// Lists all of its chunks.
    pub fn chunks(&self) -> impl Iterator<Item = &ChunkEntry> {
        self.collections.iter().flat_map(|chunks| &chunks.chunks)
    }

    /// Returns the chunks of a collection; none if it is empty.
    pub fn chunks_of(&self, collection: CollectionId) -> &[ChunkEntry] {
        self.collections
            .iter()
            .find(|chunks| chunks.collection == collection)
            .map_or(&[], |chunks| &chunks.chunks)
    }

    /// Encodes the manifest.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        out.extend_from_slice(self.point.timeline.as_bytes());
        put_varint(&mut out, self.point.lsn.get());
        put_varint(&mut out, self.created.timestamp_millis().cast_unsigned());
        put_varint(&mut out, self.collections.len() as u64);
        for collection in &self.collections {
            out.extend_from_slice(&collection.collection.get().to_le_bytes());
            put_varint(&mut out, collection.chunks.len() as u64);
            for chunk in &collection.chunks {
                out.extend_from_slice(chunk.digest.as_bytes());
                put_bytes(&mut out, chunk.first.as_bytes());
                put_bytes(&mut out, chunk.last.as_bytes());
                put_varint(&mut out, chunk.documents);
                put_varint(&mut out, chunk.bytes);
            }
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out
    }

    /// Decodes the bytes of [`Manifest::encode`].
    ///
    /// # Errors
    /// `Corrupt` if the checksum or the structure is wrong; `Unsupported` for a newer version.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let whole = Reader::new("manifest", bytes);
        let (content, crc) =
            bytes.split_last_chunk().ok_or_else(|| whole.corrupt("ends too early"))?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*crc) {
            return Err(whole.corrupt("does not match its checksum"));
        }
        let mut reader = Reader::new("manifest", content);
        if reader.array()? != *MAGIC {
            return Err(reader.corrupt("does not begin with the magic number of a manifest"));
        }
        match reader.byte()? {
            VERSION => {}
            newer => {
                return Err(Error::unsupported(format!(
                    "a manifest has format {newer}; this version of Argon reads format {VERSION}"
                )));
            }
        }
        let point = Point { timeline: TimelineId::from_bytes(reader.array()?), lsn: reader.lsn()? };
        let created = DateTime::from_millis(reader.varint()?.cast_signed());
        let collections =
            (0..reader.varint()?).map(|_| decode_collection(&mut reader)).collect::<Result<_>>()?;
        reader.finish()?;
        Ok(Self { point, created, collections })
    }
}

fn decode_collection(reader: &mut Reader<'_>) -> Result<CollectionChunks> {
    let collection = CollectionId::new(u64::from_le_bytes(reader.array()?));
    let chunks = (0..reader.varint()?).map(|_| decode_entry(reader)).collect::<Result<Vec<_>>>()?;
    Ok(CollectionChunks { collection, chunks })
}

fn decode_entry(reader: &mut Reader<'_>) -> Result<ChunkEntry> {
    let digest = Digest::from_bytes(reader.array()?);
    let mut key = || -> Result<Key> {
        Key::from_bytes(reader.bytes()?)
            .map_err(|source| reader.corrupt("has a bad key").with_source(source))
    };
    let (first, last) = (key()?, key()?);
    Ok(ChunkEntry { digest, first, last, documents: reader.varint()?, bytes: reader.varint()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lsn;

    fn manifest() -> Manifest {
        let key = |id: i32| Key::of(&id.into()).unwrap();
        let chunk = ChunkEntry {
            digest: Digest::of(b"x"),
            first: key(1),
            last: key(9),
            documents: 5,
            bytes: 300,
        };
        Manifest {
            point: Point { timeline: TimelineId::from_bytes([7; 16]), lsn: Lsn::new(300) },
            created: DateTime::from_millis(1_700_000_000_000),
            collections: vec![CollectionChunks {
                collection: CollectionId::new(99),
                chunks: vec![chunk],
            }],
        }
    }

    #[test]
    fn a_manifest_decodes_to_itself_and_its_bytes_do_not_change_between_versions() {
        let manifest = manifest();
        let bytes = manifest.encode();
        assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
        assert_eq!(
            Digest::of(&bytes).to_string(),
            "7ecfa7377af9a8422305c6bdcf569bdbfb0cfbb073e6fbcacd99bc01d84487e7",
            "golden"
        );
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x10;
            assert!(Manifest::decode(&broken).is_err(), "byte {at}");
            assert!(Manifest::decode(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    /// The checksum is corrected, as an attacker would do.
    #[test]
    fn a_manifest_with_any_counts_is_read_or_refused() {
        let bytes = manifest().encode();
        crate::model::codec::for_each_damage(&bytes[..bytes.len() - 4], |content| {
            let hostile = [content, &crc32c::crc32c(content).to_le_bytes()].concat();
            match Manifest::decode(&hostile) {
                Ok(found) => drop((found.documents(), found.bytes())),
                Err(error) => assert!(matches!(
                    error.kind(),
                    crate::ErrorKind::Corrupt | crate::ErrorKind::Unsupported
                )),
            }
        });
    }
}
