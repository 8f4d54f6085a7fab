//! Events that are larger than a document may be: fragments of their fields.

use bson::raw::{RawBson, RawDocument, RawDocumentBuf, cstr};
use bson::rawdoc;

use super::fatal;
use crate::failure::{CommandError, Result};

/// The largest event, as in MongoDB: a document, and what an event adds to it.
const MOST: usize = 16 * 1024 * 1024 + 16 * 1024;
/// What a fragment has besides its fields: its token, and its number.
const OVERHEAD: usize = 4 * 1024;

/// Whether an event is too large for a document.
pub(super) fn is_large(event: &RawDocument) -> bool {
    event.as_bytes().len() > MOST
}

/// The error for a large event of a stream that does not split them.
pub(super) fn too_large(event: &RawDocument) -> CommandError {
    let size = event.as_bytes().len();
    fatal(CommandError::new(
        10334,
        format!(
            "BSONObj size: {size} is invalid. Size must be between 0 and {MOST}; add the stage \
             $changeStreamSplitLargeEvent, or remove fields by $project"
        ),
    ))
}

/// Splits an event between its fields; `token` gives the `_id` of a fragment.
pub(super) fn split(
    event: &RawDocument,
    token: impl Fn(u32) -> RawDocumentBuf,
) -> Result<Vec<RawDocumentBuf>> {
    split_at(event, token, MOST - OVERHEAD)
}

fn split_at(
    event: &RawDocument,
    token: impl Fn(u32) -> RawDocumentBuf,
    most: usize,
) -> Result<Vec<RawDocumentBuf>> {
    let mut parts = vec![RawDocumentBuf::new()];
    for field in event {
        let (name, value) = field?;
        if name.as_str() == "_id" {
            continue;
        }
        let mut one = RawDocumentBuf::new();
        one.append(name, RawBson::from(value));
        let used = parts.last().map_or(0, |part| part.as_bytes().len());
        let is_empty = parts.last().is_some_and(|part| part.is_empty());
        if !is_empty && used + one.as_bytes().len() > most {
            parts.push(RawDocumentBuf::new());
        }
        if let Some(part) = parts.last_mut() {
            part.append(name, RawBson::from(value));
        }
    }
    let of = i32::try_from(parts.len()).unwrap_or(i32::MAX);
    let fragments = parts.iter().zip(0_u32..).map(|(part, index)| {
        let number = i32::try_from(index).unwrap_or(i32::MAX).saturating_add(1);
        let mut fragment = RawDocumentBuf::new();
        fragment.append(cstr!("_id"), token(index));
        fragment.append(cstr!("splitEvent"), rawdoc! { "fragment": number, "of": of });
        for field in part {
            let (name, value) = field?;
            fragment.append(name, RawBson::from(value));
        }
        Ok(fragment)
    });
    fragments.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_have_all_fields_in_their_order() {
        let event =
            rawdoc! { "_id": { "_data": "00" }, "a": "x".repeat(30), "b": "y".repeat(30), "c": 1 };
        let token = |fragment: u32| rawdoc! { "_data": fragment.to_string() };
        let fragments = split_at(&event, token, 60).unwrap();
        assert_eq!(
            fragments,
            [
                rawdoc! {
                    "_id": { "_data": "0" },
                    "splitEvent": { "fragment": 1, "of": 2 },
                    "a": "x".repeat(30),
                },
                rawdoc! {
                    "_id": { "_data": "1" },
                    "splitEvent": { "fragment": 2, "of": 2 },
                    "b": "y".repeat(30),
                    "c": 1,
                },
            ]
        );
    }
}
