//! The types of numbers that pass through JSON.
//!
//! Relaxed Extended JSON writes an int32, an int64 and often a double in the same way, and tools such as
//! jq pass nothing on but the digits. A document that comes back that way shall not change the types of
//! its numbers.

use argon_core::Result;
use bson::raw::{RawArray, RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};

use super::evaluation::malformed;

/// The largest integer up to which a double holds every integer.
const EXACT_IN_DOUBLE: u64 = 1 << 53;

/// Gives the numbers of a document the types of the stored ones at the same paths: an equal number is the
/// stored one, and an integer in place of an int64 or a double takes that type. O(fields).
///
/// # Errors
/// `Invalid` if one of them is not BSON.
pub(super) fn keep(stored: &RawDocument, document: &RawDocument) -> Result<RawDocumentBuf> {
    let mut kept = RawDocumentBuf::new();
    // Fields are in the same order as a rule.
    let mut aligned = stored.iter();
    for field in document {
        let (name, value) = field.map_err(malformed)?;
        let before = match aligned.next() {
            Some(Ok((same, before))) if same == name => Some(before),
            _ => stored.get(name.as_str()).map_err(malformed)?,
        };
        kept.append(name, value_as(before, value)?);
    }
    Ok(kept)
}

fn keep_in_array(stored: &RawArray, array: &RawArray) -> Result<RawArrayBuf> {
    let mut kept = RawArrayBuf::new();
    let mut before = stored.into_iter();
    for value in array {
        let before = before.next().transpose().map_err(malformed)?;
        kept.push(value_as(before, value.map_err(malformed)?)?);
    }
    Ok(kept)
}

fn value_as(before: Option<RawBsonRef<'_>>, value: RawBsonRef<'_>) -> Result<RawBson> {
    Ok(match (before, value) {
        (Some(RawBsonRef::Document(before)), RawBsonRef::Document(document)) => {
            RawBson::Document(keep(before, document)?)
        }
        (Some(RawBsonRef::Array(before)), RawBsonRef::Array(array)) => {
            RawBson::Array(keep_in_array(before, array)?)
        }
        (Some(before), value) => number_as(before, value).unwrap_or_else(|| value.into()),
        (None, value) => value.into(),
    })
}

/// A number with the type of the one before it; `None` if that type can't hold it, or one is no number.
fn number_as(before: RawBsonRef<'_>, value: RawBsonRef<'_>) -> Option<RawBson> {
    match (before, value) {
        (RawBsonRef::Int64(_), RawBsonRef::Int32(number)) => Some(RawBson::Int64(number.into())),
        // JSON names the type of a double that is not finite, so whoever wrote another number knew it.
        (RawBsonRef::Double(before), RawBsonRef::Int32(number)) if before.is_finite() => {
            // A zero keeps its sign.
            let number = f64::from(number);
            Some(RawBson::Double(if is_equal(before, number) { before } else { number }))
        }
        (RawBsonRef::Double(before), RawBsonRef::Int64(number)) if before.is_finite() => {
            exact(number).map(RawBson::Double)
        }
        // A tool that has doubles only writes 5.0 for 5.
        (RawBsonRef::Int32(before), RawBsonRef::Double(number)) => {
            is_equal(f64::from(before), number).then_some(RawBson::Int32(before))
        }
        (RawBsonRef::Int64(before), RawBsonRef::Double(number)) => {
            exact(before).filter(|before| is_equal(*before, number)).map(|_| RawBson::Int64(before))
        }
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "up to this limit nothing is lost")]
fn exact(number: i64) -> Option<f64> {
    (number.unsigned_abs() <= EXACT_IN_DOUBLE).then_some(number as f64)
}

#[expect(clippy::float_cmp, reason = "the numbers are the same, or they are not")]
fn is_equal(one: f64, other: f64) -> bool {
    one == other
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[test]
    fn numbers_have_the_types_of_the_stored_ones_if_these_can_hold_them() {
        let big = 1_i64 << 60;
        let stored = rawdoc! {
            "_id": 1_i64, "a": 5_i64, "b": 5.0, "c": 5, "d": 2.5, "e": [1_i64, 2.0, { "f": 1_i64 }],
            "g": big, "h": 5, "t": "5", "z": -0.0, "nan": f64::NAN,
        };
        let read = rawdoc! {
            "_id": 1, "a": 6, "b": 5, "c": 5.0, "d": big, "e": [1, 3, { "f": 2 }, 4],
            "g": 7.5, "h": 5.5, "t": 5, "z": 0, "nan": 5, "new": 1,
        };
        let expected = rawdoc! {
            "_id": 1_i64, "a": 6_i64, "b": 5.0, "c": 5, "d": big, "e": [1_i64, 3.0, { "f": 2_i64 }, 4],
            "g": 7.5, "h": 5.5, "t": 5, "z": -0.0, "nan": 5, "new": 1,
        };
        assert_eq!(keep(&stored, &read).unwrap(), expected);
    }

    #[test]
    fn fields_in_another_order_are_found_by_their_names() {
        let stored = rawdoc! { "_id": 1, "a": 1_i64, "b": 2.0 };
        let kept = keep(&stored, &rawdoc! { "_id": 1, "b": 2, "a": 1 }).unwrap();
        assert_eq!(kept, rawdoc! { "_id": 1, "b": 2.0, "a": 1_i64 });
    }
}
