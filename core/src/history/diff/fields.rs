//! The differing fields between two images of a document.

use bson::raw::{RawBson, RawDocument};

use super::compare::{Difference, compare_aligned};
use crate::Result;
use crate::document::Path;
use crate::document::value::Value;

/// A field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The path. An array element has its position after, a removed one its position before.
    pub path: Path,
    /// The value before, if any.
    pub before: Option<RawBson>,
    /// The value after, if any. Without either value, the document at the path differs only in the
    /// order of its fields.
    pub after: Option<RawBson>,
}

/// Returns the differing fields: in their order in `after`, then the removed ones. O(fields).
///
/// Documents are compared field by field, arrays element by element, so that an inserted or removed
/// element does not shift the others; a document with two fields of one name is a single value.
/// Values are equal if their types and bytes are.
///
/// ```
/// use argon_core::diff::fields;
/// use bson::rawdoc;
///
/// # fn main() -> argon_core::Result<()> {
/// let before = rawdoc! { "_id": 1, "address": { "city": "London" }, "tags": ["a"] };
/// let after = rawdoc! { "_id": 1, "address": { "city": "Paris" }, "tags": ["a", "b"] };
/// let paths: Vec<String> =
///     fields(&before, &after)?.iter().map(|change| change.path.to_string()).collect();
/// assert_eq!(paths, ["address.city", "tags.1"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Corrupt` if a document can't be decoded.
pub fn fields(before: &RawDocument, after: &RawDocument) -> Result<Vec<FieldChange>> {
    let found = compare_aligned(Value::of(before), Value::of(after))?;
    let changes = found.into_iter().filter_map(|difference| match difference {
        Difference::Value { path, before, after, .. } => Some(change(path, before, after)),
        Difference::Order { path, alone: true, .. } => Some(change(path, None, None)),
        Difference::Order { .. } => None,
    });
    changes.collect()
}

fn change(path: Path, before: Option<Value<'_>>, after: Option<Value<'_>>) -> Result<FieldChange> {
    let owned = |value: Option<Value<'_>>| value.map(Value::to_raw_bson).transpose();
    Ok(FieldChange { path, before: owned(before)?, after: owned(after)? })
}

#[cfg(test)]
mod tests {
    use bson::{RawDocumentBuf, rawdoc};

    use super::*;

    fn texts(before: &RawDocumentBuf, after: &RawDocumentBuf) -> Vec<String> {
        let text = |FieldChange { path, before, after }: FieldChange| match (before, after) {
            (Some(before), Some(after)) => format!("{path}: {before:?} → {after:?}"),
            (None, Some(after)) => format!("+ {path}: {after:?}"),
            (Some(before), None) => format!("- {path}: {before:?}"),
            (None, None) => format!("{path}: order"),
        };
        fields(before, after).unwrap().into_iter().map(text).collect()
    }

    #[test]
    fn fields_are_named_by_their_path() {
        let before = rawdoc! { "_id": 1, "a": { "b": 1, "c": 0 }, "tags": [1, 2], "old": true };
        let after = rawdoc! { "_id": 1, "a": { "b": 2, "c": 0 }, "tags": [1, 3, 4], "new.x": 5 };
        assert_eq!(
            texts(&before, &after),
            [
                "a.b: Int32(1) → Int32(2)",
                "tags.1: Int32(2) → Int32(3)",
                "+ tags.2: Int32(4)",
                "+ new\\.x: Int32(5)",
                "- old: Boolean(true)"
            ]
        );
    }

    #[test]
    fn elements_that_are_put_in_or_taken_out_are_all_that_differs() {
        let before = rawdoc! { "_id": 1, "l": [1, 2, { "n": 1 }, 4, 5] };
        let after = rawdoc! { "_id": 1, "l": [0, 1, 2, { "n": 2 }, 5] };
        assert_eq!(
            texts(&before, &after),
            ["+ l.0: Int32(0)", "l.3.n: Int32(1) → Int32(2)", "- l.3: Int32(4)"]
        );
        let swapped = texts(&rawdoc! { "l": [1, 2] }, &rawdoc! { "l": [2, 1] });
        assert_eq!(swapped, ["l.0: Int32(1) → Int32(2)", "l.1: Int32(2) → Int32(1)"]);
    }

    #[test]
    fn a_change_of_type_alone_is_seen() {
        let found = texts(&rawdoc! { "_id": 1, "n": 5_i32 }, &rawdoc! { "_id": 1, "n": 5_i64 });
        assert_eq!(found, ["n: Int32(5) → Int64(5)"]);
        let zeros = (rawdoc! { "z": 0.0 }, rawdoc! { "z": -0.0 });
        assert_eq!(texts(&zeros.0, &zeros.1), ["z: Double(0.0) → Double(-0.0)"]);
    }

    #[test]
    fn a_change_of_order_alone_is_seen() {
        let found = texts(&rawdoc! { "a": 1, "b": 2 }, &rawdoc! { "b": 2, "a": 1 });
        assert_eq!(found, ["(document): order"]);
        let before = rawdoc! { "_id": 1, "in": { "a": 1, "b": 2 } };
        let after = rawdoc! { "_id": 1, "in": { "b": 2, "a": 1 } };
        assert_eq!(texts(&before, &after), ["in: order"]);
        let after = rawdoc! { "_id": 1, "in": { "b": 3, "a": 1 } };
        assert_eq!(texts(&before, &after), ["in.b: Int32(2) → Int32(3)"]);
    }

    #[test]
    fn a_document_with_two_fields_of_one_name_is_one_value() {
        let mut twice = rawdoc! { "_id": 1, "a": 1 };
        twice.append(bson::cstr!("a"), 2);
        let found = fields(&rawdoc! { "_id": 1, "a": 1 }, &twice).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].path.is_document());
        assert_eq!(found[0].after, Some(RawBson::Document(twice)));
    }

    #[test]
    fn equal_documents_have_no_differences() {
        let document = rawdoc! { "_id": 1, "f": 1.5, "in": { "a": [1, 2, { "x": "y" }] } };
        assert!(texts(&document, &document).is_empty());
    }
}
