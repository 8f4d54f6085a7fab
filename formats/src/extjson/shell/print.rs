//! Prints values as MongoDB's shell does; the reader of this module takes them back.

use std::ops::RangeInclusive;

use bson::raw::{RawBson, RawBsonRef, RawIter};
use bson::spec::BinarySubtype;
use bson::{Bson, DateTime};
use data_encoding::{BASE64, HEXLOWER};

use crate::extjson::print::{Layout, Mode, print_raw_value};
use crate::validate::{InvalidDocument, MAX_DEPTH};

/// The longest document or array on one line, in characters.
const LINE: usize = 72;

/// The milliseconds of the years 1 to 9999, for which ISO 8601 has a form.
const YEARS_OF_FOUR_DIGITS: RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// The flags that the shell's constructor of regular expressions takes.
const FLAGS: &str = "imsxu";

/// Prints a value as MongoDB's shell does: names without quotes where they need none, and constructors
/// for the types that JavaScript lacks. What does not fit on a line gets a line for each field.
pub fn print_shell_value(value: RawBsonRef<'_>) -> Result<String, InvalidDocument> {
    print(value, 0)
}

/// [`print_shell_value`] for a value in memory.
pub fn print_shell_bson(value: &Bson) -> Result<String, InvalidDocument> {
    let raw = RawBson::try_from(value.clone())?;
    print(raw.as_raw_bson_ref(), 0)
}

fn print(value: RawBsonRef<'_>, depth: usize) -> Result<String, InvalidDocument> {
    Ok(match value {
        RawBsonRef::Document(document) => members(document.iter_elements(), ['{', '}'], depth)?,
        RawBsonRef::Array(array) => members(array.iter_elements(), ['[', ']'], depth)?,
        RawBsonRef::String(text) => quoted(text),
        RawBsonRef::Double(number) => double(number),
        RawBsonRef::Int64(number) => format!("Long('{number}')"),
        RawBsonRef::ObjectId(id) => format!("ObjectId('{}')", id.to_hex()),
        RawBsonRef::DateTime(date) => self::date(date),
        RawBsonRef::Decimal128(number) => format!("Decimal128('{number}')"),
        RawBsonRef::Undefined => "undefined".to_owned(),
        RawBsonRef::MinKey => "MinKey()".to_owned(),
        RawBsonRef::MaxKey => "MaxKey()".to_owned(),
        RawBsonRef::Timestamp(stamp) => {
            format!("Timestamp({{ t: {}, i: {} }})", stamp.time, stamp.increment)
        }
        RawBsonRef::Binary(binary) if is_uuid(binary.subtype, binary.bytes) => {
            let hex = HEXLOWER.encode(binary.bytes);
            let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
            format!("UUID('{a}-{b}-{c}-{d}-{e}')")
        }
        RawBsonRef::Binary(binary) => {
            format!("BinData({}, '{}')", u8::from(binary.subtype), BASE64.encode(binary.bytes))
        }
        RawBsonRef::RegularExpression(regex)
            if regex.options.as_str().chars().all(|flag| FLAGS.contains(flag)) =>
        {
            let (pattern, options) = (regex.pattern.as_str(), regex.options.as_str());
            format!("RegExp({}, {})", quoted(pattern), quoted(options))
        }
        RawBsonRef::Symbol(text) => format!("Symbol({})", quoted(text)),
        RawBsonRef::JavaScriptCode(code) => format!("Code({})", quoted(code)),
        // The rest is the same in Extended JSON, or has no constructor.
        other => print_raw_value(other, Mode::Typed, Layout::Compact)?,
    })
}

fn members(
    elements: RawIter<'_>,
    [open, close]: [char; 2],
    depth: usize,
) -> Result<String, InvalidDocument> {
    if depth >= MAX_DEPTH {
        return Err(InvalidDocument::TooDeep);
    }
    let mut parts = Vec::new();
    for element in elements {
        let element = element?;
        let value = print(element.value()?, depth + 1)?;
        let is_document = open == '{';
        parts.push(if is_document {
            format!("{}: {value}", name(element.key().as_str()))
        } else {
            value
        });
    }
    if parts.is_empty() {
        return Ok(format!("{open}{close}"));
    }
    let length: usize = parts.iter().map(|part| part.chars().count() + 2).sum();
    if 2 * depth + length + 2 <= LINE && parts.iter().all(|part| !part.contains('\n')) {
        return Ok(format!("{open} {} {close}", parts.join(", ")));
    }
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    Ok(format!("{open}\n{inner}{}\n{outer}{close}", parts.join(&format!(",\n{inner}"))))
}

/// The name of a field, with quotes if it is no name of JavaScript.
fn name(name: &str) -> String {
    let mut characters = name.chars();
    let begins = |c: char| c.is_alphabetic() || matches!(c, '_' | '$');
    let is_plain = characters.next().is_some_and(begins)
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
    if is_plain { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c < ' ' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A double always has a point or an exponent: the reader takes `5` for an int32.
fn double(number: f64) -> String {
    match number {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ if number.is_nan() => "NaN".to_owned(),
        _ => format!("{number:?}"),
    }
}

fn date(date: DateTime) -> String {
    let millis = date.timestamp_millis();
    match date.try_to_rfc3339_string() {
        Ok(text) if YEARS_OF_FOUR_DIGITS.contains(&millis) => format!("ISODate('{text}')"),
        _ => format!("Date({millis})"),
    }
}

fn is_uuid(subtype: BinarySubtype, bytes: &[u8]) -> bool {
    subtype == BinarySubtype::Uuid && bytes.len() == 16
}
