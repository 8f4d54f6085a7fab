//! The hash of values that MongoDB's hashed indexes and hashed shard keys have (the server's
//! `BSONElementHasher`): the first 64 bits of an MD5.

use argon_core::Result;
use bson::raw::{RawArray, RawBsonRef, RawDocument};
use md5::{Digest, Md5};

use crate::number::{Number, Rounding};
use crate::value::{Value, malformed};

/// The seed of all hashes that MongoDB stores.
const SEED: i32 = 0;

/// Returns the hash. Numbers of any type with the same integer part have the same; missing has that
/// of null.
///
/// # Errors
/// `Corrupt` if a value can't be decoded.
pub(super) fn hash(value: &Value<'_>) -> Result<i64> {
    let mut md5 = Md5::new_with_prefix(SEED.to_le_bytes());
    add_value(&mut md5, None, value.get().unwrap_or(RawBsonRef::Null))?;
    let digest: [u8; 16] = md5.finalize().into();
    let (first, _) = digest.split_at(8);
    Ok(first.iter().rev().fold(0, |hash, byte| hash << 8 | i64::from(*byte)))
}

/// Adds a value: its type, the name if it is in a document or an array, and its bytes.
fn add_value(md5: &mut Md5, name: Option<&str>, value: RawBsonRef<'_>) -> Result<()> {
    md5.update(canonical_type(value).to_le_bytes());
    if let Some(name) = name {
        add_cstring(md5, name);
    }
    match value {
        RawBsonRef::Document(document) => add_document(md5, document)?,
        RawBsonRef::Array(array) => add_array(md5, array)?,
        RawBsonRef::JavaScriptCodeWithScope(code) => {
            add_cstring(md5, code.code);
            add_document(md5, code.scope)?;
        }
        RawBsonRef::String(text) | RawBsonRef::Symbol(text) | RawBsonRef::JavaScriptCode(text) => {
            add_string(md5, text);
        }
        RawBsonRef::RegularExpression(regex) => {
            add_cstring(md5, regex.pattern.as_str());
            add_cstring(md5, regex.options.as_str());
        }
        RawBsonRef::Boolean(value) => md5.update([u8::from(value)]),
        RawBsonRef::ObjectId(id) => md5.update(id.bytes()),
        RawBsonRef::DateTime(date) => md5.update(date.timestamp_millis().to_le_bytes()),
        RawBsonRef::Timestamp(timestamp) => {
            md5.update(timestamp.increment.to_le_bytes());
            md5.update(timestamp.time.to_le_bytes());
        }
        RawBsonRef::Binary(_) | RawBsonRef::DbPointer(_) => add_encoded(md5, value),
        number => {
            if let Some(number) = Number::of(number) {
                md5.update(integer_part(number).to_le_bytes());
            }
        }
    }
    Ok(())
}

fn add_document(md5: &mut Md5, document: &RawDocument) -> Result<()> {
    for field in document {
        let (name, value) = field.map_err(malformed)?;
        add_value(md5, Some(name.as_str()), value)?;
    }
    add_end(md5);
    Ok(())
}

fn add_array(md5: &mut Md5, array: &RawArray) -> Result<()> {
    for (index, element) in array.into_iter().enumerate() {
        add_value(md5, Some(&index.to_string()), element.map_err(malformed)?)?;
    }
    add_end(md5);
    Ok(())
}

/// Adds the type of the end of a document.
fn add_end(md5: &mut Md5) {
    md5.update(0_i32.to_le_bytes());
}

fn add_cstring(md5: &mut Md5, text: &str) {
    md5.update(text.as_bytes());
    md5.update([0]);
}

fn add_string(md5: &mut Md5, text: &str) {
    let length = u32::try_from(text.len() + 1).unwrap_or(u32::MAX);
    md5.update(length.to_le_bytes());
    add_cstring(md5, text);
}

/// Adds the bytes that the value has in a document.
fn add_encoded(md5: &mut Md5, value: RawBsonRef<'_>) {
    let mut document = bson::RawDocumentBuf::new();
    document.append(bson::raw::cstr!(""), value);
    // The length, the type and the name come before; the end of the document comes after.
    let bytes = document.as_bytes();
    md5.update(&bytes[6..bytes.len() - 1]);
}

fn integer_part(number: Number) -> i64 {
    match number {
        Number::Decimal(number) => match number.to_long(Rounding::TowardZero) {
            Some(integer) => integer,
            None if number.is_nan() => 0,
            None if number.is_negative() => i64::MIN,
            None => i64::MAX,
        },
        number => number.to_long(),
    }
}

/// The number by which types compare (`canonicalizeBSONType`).
fn canonical_type(value: RawBsonRef<'_>) -> i32 {
    match value {
        RawBsonRef::MinKey => -1,
        RawBsonRef::MaxKey => 127,
        RawBsonRef::Undefined => 0,
        RawBsonRef::Null => 5,
        RawBsonRef::Double(_)
        | RawBsonRef::Int32(_)
        | RawBsonRef::Int64(_)
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
    }
}
