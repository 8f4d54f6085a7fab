//! MongoDB's order of values, on the values themselves.
//!
//! Follows `BSONElement::compareElements` and `BSONObj::woCompare` of the server, deliberately
//! without the key encoding: the tests compare the two.

use std::cmp::Ordering;
use std::fmt;

use bson::raw::{RawArray, RawBinaryRef, RawBsonRef, RawDocument};

use super::{db_pointer, encode::uncounted_bytes, exact::Number};

/// Compares two values in MongoDB's order, with the simple collation. Allocates nothing except for
/// DB pointers, and for numbers of different types that are nearly equal.
///
/// A total order. Numbers compare by exact mathematical value whatever their types, with NaN before
/// all others; equal values may differ in type and spelling. Unlike in MongoDB, DB pointers compare
/// by namespace first, not by its length. Recurses as deep as both values are nested.
///
/// # Errors
/// If a value can't be decoded.
pub fn compare(a: RawBsonRef<'_>, b: RawBsonRef<'_>) -> Result<Ordering, bson::error::Error> {
    compare_by(a, b, None)
}

/// The order of texts in a collation.
pub trait TextOrder: fmt::Debug + Send + Sync {
    /// Compares two texts. A total order, in which different texts may be equal.
    fn compare(&self, a: &str, b: &str) -> Ordering;
}

/// [`compare`] with another order of strings and symbols than byte by byte, if one is given. As in
/// MongoDB, it does not apply to names of fields, to code and to patterns.
///
/// # Errors
/// If a value can't be decoded.
pub fn compare_by(
    a: RawBsonRef<'_>,
    b: RawBsonRef<'_>,
    text: Option<&dyn TextOrder>,
) -> Result<Ordering, bson::error::Error> {
    match compare_types(a, b) {
        Ordering::Equal => compare_same_type(a, b, text),
        order => Ok(order),
    }
}

/// Returns whether two values have types that MongoDB compares by value.
pub(crate) fn same_type(a: RawBsonRef<'_>, b: RawBsonRef<'_>) -> bool {
    compare_types(a, b).is_eq()
}

/// Returns whether a value is NaN.
pub(crate) fn is_nan(value: RawBsonRef<'_>) -> bool {
    Number::of(value) == Some(Number::NaN)
}

fn compare_types(a: RawBsonRef<'_>, b: RawBsonRef<'_>) -> Ordering {
    canonical_type(a).cmp(&canonical_type(b))
}

/// The numbers of `canonicalizeBSONType` in the server's `bsontypes.h`.
pub(crate) fn canonical_type(value: RawBsonRef<'_>) -> i8 {
    match value {
        RawBsonRef::MinKey => -1,
        RawBsonRef::Undefined => 0,
        RawBsonRef::Null => 5,
        RawBsonRef::Int32(_)
        | RawBsonRef::Int64(_)
        | RawBsonRef::Double(_)
        | RawBsonRef::Decimal128(_) => 10,
        RawBsonRef::String(_) | RawBsonRef::Symbol(_) => 15,
        RawBsonRef::Document(_) => 20,
        RawBsonRef::Array(_) => 25,
        RawBsonRef::Binary(_) => 30,
        RawBsonRef::ObjectId(_) => 35,
        RawBsonRef::Boolean(_) => 40,
        RawBsonRef::DateTime(_) => 45,
        RawBsonRef::Timestamp(_) => 47,
        RawBsonRef::RegularExpression(_) => 50,
        RawBsonRef::DbPointer(_) => 55,
        RawBsonRef::JavaScriptCode(_) => 60,
        RawBsonRef::JavaScriptCodeWithScope(_) => 65,
        RawBsonRef::MaxKey => 127,
    }
}

fn compare_same_type(
    a: RawBsonRef<'_>,
    b: RawBsonRef<'_>,
    text: Option<&dyn TextOrder>,
) -> Result<Ordering, bson::error::Error> {
    use RawBsonRef as R;
    Ok(match (a, b) {
        (R::String(a) | R::Symbol(a), R::String(b) | R::Symbol(b)) => {
            text.map_or_else(|| a.cmp(b), |text| text.compare(a, b))
        }
        (R::JavaScriptCode(a), R::JavaScriptCode(b)) => a.cmp(b),
        (R::Document(a), R::Document(b)) => compare_documents(a, b, text)?,
        (R::Array(a), R::Array(b)) => compare_arrays(a, b, text)?,
        (R::Binary(a), R::Binary(b)) => compare_binaries(a, b),
        (R::ObjectId(a), R::ObjectId(b)) => a.bytes().cmp(&b.bytes()),
        (R::Boolean(a), R::Boolean(b)) => a.cmp(&b),
        (R::DateTime(a), R::DateTime(b)) => a.timestamp_millis().cmp(&b.timestamp_millis()),
        (R::Timestamp(a), R::Timestamp(b)) => (a.time, a.increment).cmp(&(b.time, b.increment)),
        (R::RegularExpression(a), R::RegularExpression(b)) => {
            (a.pattern.as_str(), a.options.as_str()).cmp(&(b.pattern.as_str(), b.options.as_str()))
        }
        (R::DbPointer(_), R::DbPointer(_)) => {
            let fields = |pointer| db_pointer::fields(pointer).ok();
            fields(a).cmp(&fields(b))
        }
        (R::JavaScriptCodeWithScope(a), R::JavaScriptCodeWithScope(b)) => {
            match a.code.cmp(b.code) {
                Ordering::Equal => compare_documents(a.scope, b.scope, text)?,
                order => order,
            }
        }
        // The remaining types are numbers, and types with a single value, which compare as equal.
        _ => Number::of(a).cmp(&Number::of(b)),
    })
}

/// Field by field: type, then name, then value. A proper prefix of a document is less than the
/// document.
fn compare_documents(
    a: &RawDocument,
    b: &RawDocument,
    text: Option<&dyn TextOrder>,
) -> Result<Ordering, bson::error::Error> {
    let (mut a, mut b) = (a.iter(), b.iter());
    loop {
        let ((a_name, a_value), (b_name, b_value)) = match (a.next(), b.next()) {
            (Some(a), Some(b)) => (a?, b?),
            (a, b) => return Ok(a.is_some().cmp(&b.is_some())),
        };
        let order =
            compare_types(a_value, b_value).then_with(|| a_name.as_str().cmp(b_name.as_str()));
        let order = if order.is_eq() { compare_same_type(a_value, b_value, text)? } else { order };
        if order.is_ne() {
            return Ok(order);
        }
    }
}

fn compare_arrays(
    a: &RawArray,
    b: &RawArray,
    text: Option<&dyn TextOrder>,
) -> Result<Ordering, bson::error::Error> {
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    loop {
        let order = match (a.next(), b.next()) {
            (Some(a), Some(b)) => compare_by(a?, b?, text)?,
            (a, b) => return Ok(a.is_some().cmp(&b.is_some())),
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
}

/// By length in BSON, then subtype, then bytes.
fn compare_binaries(a: RawBinaryRef<'_>, b: RawBinaryRef<'_>) -> Ordering {
    let stated_length =
        |binary: &RawBinaryRef<'_>| binary.bytes.len() + uncounted_bytes(binary.subtype);
    stated_length(&a)
        .cmp(&stated_length(&b))
        .then_with(|| u8::from(a.subtype).cmp(&u8::from(b.subtype)))
        .then_with(|| a.bytes.cmp(b.bytes))
}
