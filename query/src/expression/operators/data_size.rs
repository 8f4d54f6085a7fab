//! `$binarySize`, `$bsonSize`.

use argon_core::Result;
use bson::raw::RawBsonRef;

use crate::Code;
use crate::expression::{Arguments, Definition};
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$binarySize", Arguments::Exactly(1), |values, _| {
        size(&values[0], 51276, "$binarySize requires a string or BinData argument", |value| {
            match value {
                RawBsonRef::String(text) => Some(text.len()),
                RawBsonRef::Binary(binary) => Some(binary.bytes.len()),
                _ => None,
            }
        })
    }),
    Definition::function("$bsonSize", Arguments::Exactly(1), |values, _| {
        size(&values[0], 31393, "$bsonSize requires a document input", |value| match value {
            RawBsonRef::Document(document) => Some(document.as_bytes().len()),
            _ => None,
        })
    }),
];

fn size<'a>(
    value: &Value<'a>,
    code: u32,
    requirement: &str,
    size: fn(RawBsonRef<'_>) -> Option<usize>,
) -> Result<Value<'a>> {
    if value.is_nullish() {
        return Ok(Value::NULL);
    }
    let size = value.get().and_then(size).ok_or_else(|| {
        Code::location(code).error(format!("{requirement}, found: {}", value.type_name()))
    })?;
    // No value is longer than an int can say.
    Ok(i32::try_from(size).unwrap_or(i32::MAX).into())
}
