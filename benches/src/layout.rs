//! The rows that a store writes for a commit, made by hand: what the bare engine is given, so that
//! both write the same bytes. docs/FORMAT.md describes them.

use argon_backends::raw::{Batch, Write};

use argon_core::codec::{put_bytes, put_varint};
use argon_core::key::Key;
use argon_core::model::{Actor, CommitMeta, Document, Lsn, Message, Nonce, Origin, Trailers};
use bson::DateTime;

use crate::Result;
use crate::random::Random;
use crate::subject::ACTOR;

/// The short number of the first collection of a store; number 0 is the catalog.
const FIRST_COLLECTION: u8 = 1;

/// The key of a version of a document in the first collection, on the timeline with this short
/// number.
pub fn version_key(timeline: u8, key: &Key, lsn: Lsn) -> Vec<u8> {
    let inverted = lsn_bytes(lsn).map(|byte| !byte);
    [&[b'V', timeline, FIRST_COLLECTION], key.as_bytes(), &inverted].concat()
}

/// The range of keys that holds all versions in that collection on a timeline.
pub fn all_versions(timeline: u8) -> ([u8; 3], [u8; 3]) {
    ([b'V', timeline, FIRST_COLLECTION], [b'V', timeline, FIRST_COLLECTION + 1])
}

/// The key of a commit on a timeline, by its short number.
pub fn commit_key(timeline: u8, lsn: Lsn) -> Vec<u8> {
    [&[b'L', timeline][..], &lsn_bytes(lsn)].concat()
}

/// Adds the rows of one commit on the first timeline: one for each document, and one for the
/// commit.
pub fn put_commit(batch: &mut Batch, lsn: Lsn, documents: &[(Key, Document)]) -> Result<()> {
    for (key, document) in documents {
        let value = [&[0], document.as_bytes()].concat();
        batch.push(Write::Put { key: version_key(0, key, lsn), value });
    }
    let value = commit_value(lsn, documents.iter().map(|(key, _)| key))?;
    batch.push(Write::Put { key: commit_key(0, lsn), value });
    Ok(())
}

fn commit_value<'a>(lsn: Lsn, keys: impl ExactSizeIterator<Item = &'a Key>) -> Result<Vec<u8>> {
    let mut random = Random::new(lsn.get());
    let mut value = vec![0];
    // As incompressible as a digest.
    (0..4).for_each(|_| value.extend_from_slice(&random.number().to_le_bytes()));
    let meta = CommitMeta {
        lsn,
        time: DateTime::from_millis(1_700_000_000_000),
        nonce: Nonce(0x1234_5678),
        actor: Actor::new(ACTOR)?,
        message: Message::default(),
        origin: Origin::Write,
        trailers: Trailers::default(),
    };
    meta.encode(&mut value);
    put_varint(&mut value, keys.len() as u64);
    for key in keys {
        put_varint(&mut value, 2);
        put_bytes(&mut value, key.as_bytes());
    }
    Ok(value)
}

fn lsn_bytes(lsn: Lsn) -> [u8; 6] {
    let [_, _, bytes @ ..] = lsn.get().to_be_bytes();
    bytes
}
