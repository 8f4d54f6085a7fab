//! The documents that the workloads write: of an exact size, the same in every run.

use argon_core::key::Key;
use argon_core::model::Document;
use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use bson::{RawBsonRef, rawdoc};

use crate::Result;
use crate::random::Random;

/// The size of a document in most workloads, in bytes of BSON.
pub const DOCUMENT_BYTES: usize = 177;

/// The size of a document whose updates are weighed on disk.
pub const UPDATED_BYTES: usize = 232;

/// The bytes of a document without the text that fills it up.
const FRAME_BYTES: usize = 47;

/// The `_id` of the `number`-th document: ascending, as those of a growing collection are.
pub fn id(number: u64) -> ObjectId {
    let seconds = u32::try_from(1_700_000_000 + number / 1000).unwrap_or(u32::MAX);
    let [.., a, b, c] = number.to_be_bytes();
    let mut bytes = [0x5a; 12];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    bytes[9..].copy_from_slice(&[a, b, c]);
    ObjectId::from_bytes(bytes)
}

/// The key of the `number`-th document.
pub fn key(number: u64) -> Result<Key> {
    Ok(Key::of_id(RawBsonRef::ObjectId(id(number)))?)
}

/// The `number`-th document in its `revision`-th form, of exactly `bytes` bytes (at least 47).
pub fn raw(number: u64, revision: u32, bytes: usize) -> RawDocumentBuf {
    let mut random = Random::new(number << 20 | u64::from(revision));
    let letters = b"etaoinshrdlucmfw";
    let text: String = (FRAME_BYTES..bytes)
        .map(|_| char::from(letters[usize::from(random.number().to_le_bytes()[0] & 15)]))
        .collect();
    rawdoc! { "_id": id(number), "revision": revision.cast_signed(), "text": text }
}

/// The same, checked and with its key, ready to be written.
pub fn checked(number: u64, revision: u32, bytes: usize) -> Result<(Key, Document)> {
    Ok(Document::checked(raw(number, revision, bytes))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_the_size_that_was_asked_for_and_ascending_keys() {
        for bytes in [DOCUMENT_BYTES, UPDATED_BYTES] {
            assert_eq!(raw(7, 3, bytes).as_bytes().len(), bytes);
        }
        let keys: Vec<Key> = [0, 1, 999, 1000, 99_999].map(|n| key(n).unwrap()).into();
        assert!(keys.is_sorted());
        assert_eq!(checked(1000, 0, DOCUMENT_BYTES).unwrap().0, keys[3]);
    }
}
