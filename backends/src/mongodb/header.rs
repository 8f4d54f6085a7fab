//! The encoding of a commit without its documents: digest, metadata, the collections of the changes
//! (count, then the number of each, 8 bytes, little endian), and the changes (count, then for each the
//! index of its collection in that list * 2 + (1 if deleted), and the key). Numbers are varints.

use std::collections::HashMap;

use argon_core::Result;
use argon_core::codec::{Reader, put_bytes, put_varint};
use argon_core::key::Key;
use argon_core::model::{CollectionId, Commit, CommitMeta, Digest, Image, Touched};

/// Encodes the header of a commit.
pub(super) fn encode(commit: &Commit) -> Vec<u8> {
    let mut places: HashMap<CollectionId, u64> = HashMap::new();
    let mut collections = Vec::new();
    for change in &commit.changes {
        places.entry(change.collection).or_insert_with(|| {
            collections.push(change.collection);
            collections.len() as u64 - 1
        });
    }
    let mut out = Vec::with_capacity(96 + commit.changes.len() * 20);
    out.extend_from_slice(commit.digest.as_bytes());
    commit.meta.encode(&mut out);
    put_varint(&mut out, collections.len() as u64);
    for collection in collections {
        out.extend_from_slice(&collection.get().to_le_bytes());
    }
    put_varint(&mut out, commit.changes.len() as u64);
    for change in &commit.changes {
        let deleted = matches!(change.image, Image::Deleted);
        put_varint(&mut out, places[&change.collection] << 1 | u64::from(deleted));
        put_bytes(&mut out, change.key.as_bytes());
    }
    out
}

/// Decodes the result of [`encode`].
pub(super) fn decode(bytes: &[u8]) -> Result<Commit<Touched>> {
    let mut reader = Reader::new("commit", bytes);
    let digest = Digest::from_bytes(reader.array()?);
    let meta = CommitMeta::decode(&mut reader)?;
    let collections = (0..reader.varint()?)
        .map(|_| Ok(CollectionId::new(u64::from_le_bytes(reader.array()?))))
        .collect::<Result<Vec<_>>>()?;
    let mut changes = Vec::new();
    for _ in 0..reader.varint()? {
        let mark = reader.varint()?;
        let place = usize::try_from(mark >> 1).unwrap_or(usize::MAX);
        let collection = *collections
            .get(place)
            .ok_or_else(|| reader.corrupt("names a collection that it does not list"))?;
        let key = Key::from_bytes(reader.bytes()?)
            .map_err(|source| reader.corrupt("has a malformed key").with_source(source))?;
        changes.push(Touched { collection, key, deleted: mark & 1 == 1 });
    }
    reader.finish()?;
    Ok(Commit { meta, digest, changes })
}
