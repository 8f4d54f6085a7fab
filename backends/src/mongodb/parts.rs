//! Values that exceed one document of the server are split into `parts`.
//!
//! A document has its bytes in `d`, or else an owner in `o` and the count of parts in `n`. The parts
//! are documents with that owner, under the same timeline, extent or [place](NOWHERE).

use std::sync::Arc;

use argon_core::model::TimelineId;
use argon_core::{Environment, Error, Result};
use bson::oid::ObjectId;
use bson::{RawDocument, RawDocumentBuf, doc, rawdoc};

use super::connection::{Connection, READ_TIME};
use super::record::{binary, bytes_field, id, int_field, missing, optional};
use super::schema;

/// The most bytes in `d`. The server's limit is 16 MiB a document; this leaves room for other fields.
pub(super) const MOST_BYTES: usize = 15 * 1024 * 1024;

/// The place of parts that belong to no timeline.
pub(super) const NOWHERE: TimelineId = TimelineId::from_bytes([0; 16]);

/// The bytes of a document, or the reference to their parts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum StoredBytes {
    Whole(Vec<u8>),
    Parts { owner: ObjectId, count: i64 },
}

/// Puts `bytes` into a document, or into `parts` if they don't fit; the caller writes the parts.
pub(super) fn put(
    document: &mut RawDocumentBuf,
    parts: &mut Vec<RawDocumentBuf>,
    place: TimelineId,
    bytes: &[u8],
    environment: &Environment,
) {
    if bytes.len() <= MOST_BYTES {
        document.append(bson::cstr!("d"), binary(bytes));
        return;
    }
    let owner = environment.object_id();
    let mut count = 0_i32;
    for part in bytes.chunks(MOST_BYTES) {
        parts.push(rawdoc! {
            "_id": environment.object_id(),
            "t": id(place),
            "o": owner,
            "n": count,
            "d": binary(part),
        });
        count += 1;
    }
    document.append(bson::cstr!("o"), owner);
    document.append(bson::cstr!("n"), count);
}

/// Reads the bytes of a document, or the reference to their parts; `None` if it has neither.
pub(super) fn of(row: &RawDocument, what: &str) -> Result<Option<StoredBytes>> {
    if optional(row, what, "d")?.is_some() {
        return Ok(Some(StoredBytes::Whole(bytes_field(row, what, "d")?.to_vec())));
    }
    let Some(owner) = optional(row, what, "o")? else { return Ok(None) };
    let owner = owner.as_object_id().ok_or_else(|| missing(what, "o"))?;
    Ok(Some(StoredBytes::Parts { owner, count: int_field(row, what, "n")? }))
}

/// Loads the parts of bytes, if they are in parts.
pub(super) async fn load(
    server: &Arc<Connection>,
    place: TimelineId,
    stored: StoredBytes,
    what: &str,
) -> Result<Vec<u8>> {
    let (owner, count) = match stored {
        StoredBytes::Whole(bytes) => return Ok(bytes),
        StoredBytes::Parts { owner, count } => (owner, count),
    };
    let parts = server.collection(schema::PARTS);
    let query = parts
        .find(of_owner(place, owner))
        .sort(doc! { "t": 1, "o": 1, "n": 1 })
        .read_concern(mongodb::options::ReadConcern::local())
        .max_time(READ_TIME);
    let mut rows = server.rows("read a large value", query).await?;
    let mut bytes = Vec::new();
    let mut expected = 0;
    while let Some(row) = rows.next().await? {
        if int_field(row, "part", "n")? != expected {
            break;
        }
        bytes.extend_from_slice(bytes_field(row, "part", "d")?);
        expected += 1;
    }
    if expected == count {
        Ok(bytes)
    } else {
        Err(Error::corrupt(format!("a stored {what} lacks part {expected} of {count}")))
    }
}

/// Matches the parts of a value.
pub(super) fn of_owner(place: TimelineId, owner: ObjectId) -> bson::Document {
    doc! { "t": id(place), "o": owner }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_split_only_when_they_do_not_fit() {
        let environment = crate::environment();
        for (size, expected) in
            [(0, 0), (5, 0), (MOST_BYTES, 0), (MOST_BYTES + 1, 2), (2 * MOST_BYTES + 1, 3)]
        {
            let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (mut document, mut parts) = (rawdoc! {}, Vec::new());
            put(&mut document, &mut parts, NOWHERE, &bytes, &environment);
            assert_eq!(parts.len(), expected);
            match of(&document, "test").unwrap().unwrap() {
                StoredBytes::Whole(whole) => assert!(whole == bytes),
                StoredBytes::Parts { owner, count } => {
                    assert_eq!(count, i64::try_from(expected).unwrap());
                    let mut joined = Vec::new();
                    for part in &parts {
                        assert_eq!(part.get_object_id("o").unwrap(), owner);
                        joined.extend_from_slice(bytes_field(part, "part", "d").unwrap());
                    }
                    assert!(joined == bytes);
                }
            }
        }
        assert_eq!(of(&rawdoc! { "d": bson::RawBson::Null }, "test").unwrap(), None);
    }
}
