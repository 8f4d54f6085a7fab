//! Conversions to and from binary data.

use argon_core::{Error, Result};
use bson::Binary;
use bson::raw::{RawBinaryRef, RawBson, RawBsonRef};
use bson::spec::BinarySubtype;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE, HEXUPPER};

use super::target::Target;
use super::{Options, failure, unreadable};
use crate::Code;
use crate::value::Value;

const UUID: u8 = 4;
const UUID_LENGTH: usize = 16;
/// The bytes before the hyphens of a UUID's text.
const UUID_GROUPS: [usize; 5] = [4, 2, 2, 2, 6];

/// How binary data is written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Auto,
    Base64,
    Base64Url,
    Hex,
    Utf8,
    Uuid,
}

/// The order of the bytes of a number in binary data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl Format {
    /// Reads a format's name; `None` if it is null or missing.
    pub(super) fn parse(value: &Value<'_>) -> Result<Option<Self>> {
        if value.is_nullish() {
            return Ok(None);
        }
        let name = value.as_str().ok_or_else(|| not_a_string("format", 4_341_114, value))?;
        Ok(Some(match name {
            "auto" => Self::Auto,
            "base64" => Self::Base64,
            "base64url" => Self::Base64Url,
            "hex" => Self::Hex,
            "utf8" => Self::Utf8,
            "uuid" => Self::Uuid,
            _ => {
                return Err(Code::location(4_341_125)
                    .error(format!("Invalid 'format' argument for $convert: {name}")));
            }
        }))
    }
}

impl ByteOrder {
    /// Reads an order's name; little if it is null or missing.
    pub(super) fn parse(value: &Value<'_>) -> Result<Self> {
        if value.is_nullish() {
            return Ok(Self::Little);
        }
        match value.as_str().ok_or_else(|| not_a_string("byteOrder", 9_130_001, value))? {
            "little" => Ok(Self::Little),
            "big" => Ok(Self::Big),
            name => Err(Code::location(9_130_002)
                .error(format!("Invalid 'byteOrder' argument for $convert: {name}"))),
        }
    }

    /// Reorders the bytes of a number from or to those of little order.
    fn apply<const N: usize>(self, mut bytes: [u8; N]) -> [u8; N] {
        if self == Self::Big {
            bytes.reverse();
        }
        bytes
    }
}

fn not_a_string(name: &str, code: u32, value: &Value<'_>) -> Error {
    Code::location(code)
        .error(format!("$convert requires that '{name}' be a string, found: {}", value.type_name()))
}

/// Refuses binary data of another subtype than the target's.
pub(super) fn check_subtype(value: RawBsonRef<'_>, target: &Target) -> Result<()> {
    let RawBsonRef::Binary(binary) = value else { return Ok(()) };
    if u8::from(binary.subtype) != target.subtype()? {
        return Err(failure("Conversions between different BinData subtypes are not supported"));
    }
    Ok(())
}

pub(super) fn to_binary<'a>(
    value: RawBsonRef<'_>,
    target: &Target,
    options: &Options,
) -> Result<Option<Value<'a>>> {
    let order = options.byte_order;
    let bytes = match value {
        RawBsonRef::String(text) => {
            let format = options.format.ok_or_else(|| no_format("string", "binData"))?;
            let subtype = target.subtype()?;
            of_text(text, format, subtype).map_err(|reason| unreadable("BinData", text, &reason))?
        }
        RawBsonRef::Int32(number) => order.apply(number.to_le_bytes()).to_vec(),
        RawBsonRef::Int64(number) => order.apply(number.to_le_bytes()).to_vec(),
        RawBsonRef::Double(number) => order.apply(number.to_le_bytes()).to_vec(),
        _ => return Ok(None),
    };
    let subtype = BinarySubtype::from(target.subtype()?);
    Ok(Some(RawBson::Binary(Binary { subtype, bytes }).into()))
}

fn no_format(from: &str, to: &str) -> Error {
    Code::location(4_341_115)
        .error(format!("Format must be speficied when converting from '{from}' to '{to}'"))
}

fn of_text(text: &str, format: Format, subtype: u8) -> Result<Vec<u8>, String> {
    if (format == Format::Uuid) != (subtype == UUID) {
        return Err("Only the 'uuid' format is allowed with the UUID subtype".to_owned());
    }
    let invalid = |kind: &str| format!("Invalid {kind}: {text}");
    match format {
        Format::Auto => Err("Invalid format 'auto'".to_owned()),
        Format::Base64 => BASE64.decode(text.as_bytes()).map_err(|_| invalid("base64")),
        Format::Base64Url => {
            let unpadded = text.trim_end_matches('=');
            BASE64URL_NOPAD.decode(unpadded.as_bytes()).map_err(|_| invalid("base64url"))
        }
        Format::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| invalid("hex")),
        Format::Utf8 => Ok(text.as_bytes().to_vec()),
        Format::Uuid => parse_uuid(text).ok_or_else(|| invalid("UUID string")),
    }
}

fn parse_uuid(text: &str) -> Option<Vec<u8>> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    if !lengths.eq(UUID_GROUPS.iter().map(|bytes| 2 * bytes)) {
        return None;
    }
    HEXLOWER_PERMISSIVE.decode(groups.concat().as_bytes()).ok()
}

fn uuid_text(bytes: &[u8]) -> String {
    let digits = data_encoding::HEXLOWER.encode(bytes);
    let mut rest = digits.as_str();
    let groups: Vec<&str> = UUID_GROUPS
        .iter()
        .map(|length| {
            let (group, others) = rest.split_at(2 * length);
            rest = others;
            group
        })
        .collect();
    groups.join("-")
}

/// The text of binary data.
///
/// # Errors
/// If no format is given, or if the data does not have it.
pub(super) fn to_text(binary: RawBinaryRef<'_>, options: &Options) -> Result<String> {
    let format = options.format.ok_or_else(|| no_format("binData", "string"))?;
    let bytes = binary.bytes;
    let is_uuid = u8::from(binary.subtype) == UUID && bytes.len() == UUID_LENGTH;
    let unsuitable = |reason: &str| {
        failure(format!(
            "Failed to convert '{}' to string in $convert with no onError value: {reason}",
            BASE64.encode(bytes)
        ))
    };
    match format {
        Format::Auto | Format::Uuid if is_uuid => Ok(uuid_text(bytes)),
        Format::Auto | Format::Base64 => Ok(BASE64.encode(bytes)),
        Format::Base64Url => Ok(BASE64URL_NOPAD.encode(bytes)),
        Format::Hex => Ok(HEXUPPER.encode(bytes)),
        Format::Utf8 => String::from_utf8(bytes.to_vec())
            .map_err(|_| unsuitable("BinData does not represent a valid UTF-8 string")),
        Format::Uuid => Err(unsuitable("BinData does not represent a valid UUID")),
    }
}

/// The number that binary data of 4 or 8 bytes is.
pub(super) fn to_double(binary: RawBinaryRef<'_>, order: ByteOrder) -> Result<f64> {
    if let Ok(bytes) = <[u8; 4]>::try_from(binary.bytes) {
        return Ok(f32::from_le_bytes(order.apply(bytes)).into());
    }
    match <[u8; 8]>::try_from(binary.bytes) {
        Ok(bytes) => Ok(f64::from_le_bytes(order.apply(bytes))),
        Err(_) => Err(wrong_length(binary)),
    }
}

/// The number that binary data of 1, 2 or 4 bytes is.
pub(super) fn to_int(binary: RawBinaryRef<'_>, order: ByteOrder) -> Result<i32> {
    short_integer(binary, order).ok_or_else(|| wrong_length(binary))
}

/// The number that binary data of 1, 2, 4 or 8 bytes is.
pub(super) fn to_long(binary: RawBinaryRef<'_>, order: ByteOrder) -> Result<i64> {
    if let Some(number) = short_integer(binary, order) {
        return Ok(number.into());
    }
    match <[u8; 8]>::try_from(binary.bytes) {
        Ok(bytes) => Ok(i64::from_le_bytes(order.apply(bytes))),
        Err(_) => Err(wrong_length(binary)),
    }
}

fn short_integer(binary: RawBinaryRef<'_>, order: ByteOrder) -> Option<i32> {
    match *binary.bytes {
        [byte] => Some(i8::from_le_bytes([byte]).into()),
        [a, b] => Some(i16::from_le_bytes(order.apply([a, b])).into()),
        [a, b, c, d] => Some(i32::from_le_bytes(order.apply([a, b, c, d]))),
        _ => None,
    }
}

fn wrong_length(binary: RawBinaryRef<'_>) -> Error {
    failure(format!(
        "Failed to convert '{}' to number in $convert because of invalid length: {}",
        BASE64.encode(binary.bytes),
        binary.bytes.len()
    ))
}
