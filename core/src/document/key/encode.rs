//! Encodes keys.
//!
//! The body of each type, after its [`Tag`]:
//!
//! | type | body |
//! | --- | --- |
//! | min key, max key, null, undefined | nothing |
//! | number | see `number.rs` |
//! | string, symbol, code | text: 0x00 as 01 01, 0x01 as 01 02; ended by 0x00 |
//! | document | per field: tag, name, 0x00, body; ended by 0x00 |
//! | array | per element: tag, body; ended by 0x00 |
//! | binary | u32 length as BSON states it, subtype, bytes |
//! | `ObjectId` | 12 bytes |
//! | boolean | 0 or 1 |
//! | date | i64 milliseconds with the sign bit inverted |
//! | timestamp | u32 time, u32 increment |
//! | regular expression | pattern, 0x00, options, 0x00 |
//! | DB pointer | namespace as text, 12 bytes |
//! | code with scope | code as text, scope as document |
//!
//! Integers are big-endian. A field's tag precedes its name, because MongoDB compares types before
//! names.

use bson::{
    RawArray, RawBinaryRef, RawBsonRef, RawDocument, Timestamp, raw::CStr, spec::BinarySubtype,
};

use super::{KeyError, MAX_NESTING, db_pointer, number, tag::Tag};

/// Ends text, a document and an array: less than every byte that could be in its place.
pub(super) const END: u8 = 0x00;
/// Precedes an escaped byte of text; the byte follows, plus one.
pub(super) const ESCAPE: u8 = 0x01;

/// Appends the encoding of any value, including those that can't be an `_id`.
///
/// Fails on malformed BSON and on more than 100 levels of nesting; `out` is then unchanged. Unlike
/// [`Key::of_id`](super::Key::of_id), it does not limit the length, and accepts a document with two
/// fields of one name.
pub fn encode(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> Result<(), KeyError> {
    let start = out.len();
    out.push(Tag::of(value) as u8);
    encode_body(value, MAX_NESTING, out).inspect_err(|_| out.truncate(start))
}

/// Estimates the length of an encoded value; exact for the most common types.
pub(super) fn expected_length(value: RawBsonRef<'_>) -> usize {
    const OTHERS: usize = 24;
    match value {
        RawBsonRef::ObjectId(_) => 13,
        RawBsonRef::String(text) => text.len() + 2,
        RawBsonRef::Binary(binary) => binary.bytes.len() + 6,
        RawBsonRef::DateTime(_) => 9,
        _ => OTHERS,
    }
}

fn encode_body(
    value: RawBsonRef<'_>,
    levels_left: usize,
    out: &mut Vec<u8>,
) -> Result<(), KeyError> {
    match value {
        RawBsonRef::MinKey | RawBsonRef::Undefined | RawBsonRef::Null | RawBsonRef::MaxKey => {}
        RawBsonRef::Int32(integer) => number::encode_integer(integer.into(), out),
        RawBsonRef::Int64(integer) => number::encode_integer(integer, out),
        RawBsonRef::Double(double) => number::encode_double(double, out),
        RawBsonRef::Decimal128(decimal) => number::encode_decimal(decimal, out),
        RawBsonRef::String(text) | RawBsonRef::Symbol(text) | RawBsonRef::JavaScriptCode(text) => {
            encode_text(text, out);
        }
        RawBsonRef::Document(document) => encode_document(document, levels_left, out)?,
        RawBsonRef::Array(array) => encode_array(array, levels_left, out)?,
        RawBsonRef::Binary(binary) => encode_binary(binary, out)?,
        RawBsonRef::ObjectId(id) => out.extend_from_slice(&id.bytes()),
        RawBsonRef::Boolean(boolean) => out.push(boolean.into()),
        RawBsonRef::DateTime(date) => encode_date(date, out),
        RawBsonRef::Timestamp(timestamp) => encode_timestamp(timestamp, out),
        RawBsonRef::RegularExpression(regex) => {
            encode_name(regex.pattern, out);
            encode_name(regex.options, out);
        }
        RawBsonRef::DbPointer(_) => {
            let (namespace, id) = db_pointer::fields(value)?;
            encode_text(&namespace, out);
            out.extend_from_slice(&id);
        }
        RawBsonRef::JavaScriptCodeWithScope(code) => {
            encode_text(code.code, out);
            encode_document(code.scope, levels_left, out)?;
        }
    }
    Ok(())
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(plain) = rest.iter().position(|byte| *byte <= ESCAPE) {
        out.extend_from_slice(&rest[..plain]);
        out.extend_from_slice(&[ESCAPE, rest[plain] + 1]);
        rest = &rest[plain + 1..];
    }
    out.extend_from_slice(rest);
    out.push(END);
}

/// A C string can't contain its terminator, so it needs no escapes.
fn encode_name(name: &CStr, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.push(END);
}

fn encode_document(
    document: &RawDocument,
    levels_left: usize,
    out: &mut Vec<u8>,
) -> Result<(), KeyError> {
    let levels_left = one_level_deeper(levels_left)?;
    for field in document {
        let (name, value) = field?;
        out.push(Tag::of(value) as u8);
        encode_name(name, out);
        encode_body(value, levels_left, out)?;
    }
    out.push(END);
    Ok(())
}

fn encode_array(array: &RawArray, levels_left: usize, out: &mut Vec<u8>) -> Result<(), KeyError> {
    let levels_left = one_level_deeper(levels_left)?;
    for element in array {
        let element = element?;
        out.push(Tag::of(element) as u8);
        encode_body(element, levels_left, out)?;
    }
    out.push(END);
    Ok(())
}

pub(super) fn one_level_deeper(levels_left: usize) -> Result<usize, KeyError> {
    levels_left.checked_sub(1).ok_or(KeyError::TooDeep { limit: MAX_NESTING })
}

fn encode_binary(binary: RawBinaryRef<'_>, out: &mut Vec<u8>) -> Result<(), KeyError> {
    let stated = binary.bytes.len() + uncounted_bytes(binary.subtype);
    let length = u32::try_from(stated)
        .map_err(|_| KeyError::TooLong { found: stated, limit: u32::MAX as usize })?;
    out.extend_from_slice(&length.to_be_bytes());
    out.push(binary.subtype.into());
    out.extend_from_slice(binary.bytes);
    Ok(())
}

/// Returns the number of bytes that BSON counts in a binary's length, and so in MongoDB's order,
/// but that `bson` omits: the old subtype repeats its length inside its payload.
pub(super) fn uncounted_bytes(subtype: BinarySubtype) -> usize {
    if subtype == BinarySubtype::BinaryOld { size_of::<u32>() } else { 0 }
}

fn encode_date(date: bson::DateTime, out: &mut Vec<u8>) {
    out.extend_from_slice(&(date.timestamp_millis() ^ i64::MIN).to_be_bytes());
}

fn encode_timestamp(timestamp: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(&timestamp.time.to_be_bytes());
    out.extend_from_slice(&timestamp.increment.to_be_bytes());
}
