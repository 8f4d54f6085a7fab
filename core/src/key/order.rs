//! MongoDB's order of values, on the values themselves.
//!
//! Written after `BSONElement::compareElements` and `BSONObj::woCompare` of the server, and on
//! purpose without any of the key encoding: the tests hold the two against each other.

use std::cmp::Ordering;

use bson::{Binary, Bson, Document, RawBson};

use super::{db_pointer, encode::uncounted_bytes, exact::Number};

/// How MongoDB orders two values, with the simple collation.
///
/// A total order. Numbers compare by exact mathematical value whatever their types, with NaN before
/// all others; equal values may differ in type and spelling. Unlike MongoDB's, DB pointers compare
/// by namespace first, not by its length. Recurses as deep as the values are nested.
pub fn compare(a: &Bson, b: &Bson) -> Ordering {
    compare_types(a, b).then_with(|| compare_same_type(a, b))
}

/// Whether two values are of types that MongoDB compares with each other by value.
pub(crate) fn same_type(a: &Bson, b: &Bson) -> bool {
    compare_types(a, b) == Ordering::Equal
}

fn compare_types(a: &Bson, b: &Bson) -> Ordering {
    canonical_type(a).cmp(&canonical_type(b))
}

/// The numbers of `canonicalizeBSONType` in the server's `bsontypes.h`.
fn canonical_type(value: &Bson) -> i8 {
    match value {
        Bson::MinKey => -1,
        Bson::Undefined => 0,
        Bson::Null => 5,
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => 10,
        Bson::String(_) | Bson::Symbol(_) => 15,
        Bson::Document(_) => 20,
        Bson::Array(_) => 25,
        Bson::Binary(_) => 30,
        Bson::ObjectId(_) => 35,
        Bson::Boolean(_) => 40,
        Bson::DateTime(_) => 45,
        Bson::Timestamp(_) => 47,
        Bson::RegularExpression(_) => 50,
        Bson::DbPointer(_) => 55,
        Bson::JavaScriptCode(_) => 60,
        Bson::JavaScriptCodeWithScope(_) => 65,
        Bson::MaxKey => 127,
    }
}

fn compare_same_type(a: &Bson, b: &Bson) -> Ordering {
    match (a, b) {
        (Bson::String(a) | Bson::Symbol(a), Bson::String(b) | Bson::Symbol(b))
        | (Bson::JavaScriptCode(a), Bson::JavaScriptCode(b)) => a.cmp(b),
        (Bson::Document(a), Bson::Document(b)) => compare_documents(a, b),
        (Bson::Array(a), Bson::Array(b)) => compare_arrays(a, b),
        (Bson::Binary(a), Bson::Binary(b)) => compare_binaries(a, b),
        (Bson::ObjectId(a), Bson::ObjectId(b)) => a.bytes().cmp(&b.bytes()),
        (Bson::Boolean(a), Bson::Boolean(b)) => a.cmp(b),
        (Bson::DateTime(a), Bson::DateTime(b)) => a.timestamp_millis().cmp(&b.timestamp_millis()),
        (Bson::Timestamp(a), Bson::Timestamp(b)) => {
            (a.time, a.increment).cmp(&(b.time, b.increment))
        }
        (Bson::RegularExpression(a), Bson::RegularExpression(b)) => {
            (a.pattern.as_str(), a.options.as_str()).cmp(&(b.pattern.as_str(), b.options.as_str()))
        }
        (Bson::DbPointer(_), Bson::DbPointer(_)) => db_pointer_fields(a).cmp(&db_pointer_fields(b)),
        (Bson::JavaScriptCodeWithScope(a), Bson::JavaScriptCodeWithScope(b)) => {
            a.code.cmp(&b.code).then_with(|| compare_documents(&a.scope, &b.scope))
        }
        // What is left are numbers, and the types of only one value, which are no numbers.
        _ => Number::of(a).cmp(&Number::of(b)),
    }
}

/// Field by field: type, then name, then value. A document is less than one that it begins.
fn compare_documents(a: &Document, b: &Document) -> Ordering {
    for ((a_name, a_value), (b_name, b_value)) in a.iter().zip(b) {
        let order = compare_types(a_value, b_value)
            .then_with(|| a_name.cmp(b_name))
            .then_with(|| compare_same_type(a_value, b_value));
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn compare_arrays(a: &[Bson], b: &[Bson]) -> Ordering {
    let differing = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
    differing.unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// By length as BSON states it, then subtype, then bytes.
fn compare_binaries(a: &Binary, b: &Binary) -> Ordering {
    let stated_length = |binary: &Binary| binary.bytes.len() + uncounted_bytes(binary.subtype);
    stated_length(a)
        .cmp(&stated_length(b))
        .then_with(|| u8::from(a.subtype).cmp(&u8::from(b.subtype)))
        .then_with(|| a.bytes.cmp(&b.bytes))
}

fn db_pointer_fields(pointer: &Bson) -> Option<(String, [u8; 12])> {
    let raw = RawBson::try_from(pointer.clone()).ok()?;
    db_pointer::fields(raw.as_raw_bson_ref()).ok()
}
