//! Conversions to text and object identifiers.

use argon_core::Result;
use bson::oid::ObjectId;
use bson::raw::{RawBson, RawBsonRef};

use super::{Options, binary, date, unreadable};
use crate::number::{Decimal, double_text};
use crate::value::Value;

pub(super) fn to_string<'a>(value: RawBsonRef<'_>, options: &Options) -> Result<Option<Value<'a>>> {
    let text = match value {
        RawBsonRef::Int32(number) => number.to_string(),
        RawBsonRef::Int64(number) => number.to_string(),
        RawBsonRef::Double(number) => double_text(number),
        RawBsonRef::Decimal128(number) => Decimal::from(number).to_string(),
        RawBsonRef::Boolean(value) => value.to_string(),
        RawBsonRef::ObjectId(id) => id.to_hex(),
        RawBsonRef::DateTime(date) => date::to_text(date)?,
        RawBsonRef::Binary(binary) => binary::to_text(binary, options)?,
        _ => return Ok(None),
    };
    Ok(Some(text.into()))
}

pub(super) fn to_object_id<'a>(value: RawBsonRef<'_>) -> Result<Option<Value<'a>>> {
    /// The digits of an identifier.
    const LENGTH: usize = 24;
    let RawBsonRef::String(text) = value else { return Ok(None) };
    let id = ObjectId::parse_str(text).map_err(|_| {
        let reason = if text.len() == LENGTH {
            let invalid = text.chars().find(|digit| !digit.is_ascii_hexdigit());
            format!("Invalid character found in hex string: {}", invalid.unwrap_or_default())
        } else {
            format!(
                "Invalid string length for parsing to OID, expected 24 but found {}",
                text.len()
            )
        };
        unreadable("objectId", text, &reason)
    })?;
    Ok(Some(RawBson::ObjectId(id).into()))
}
