//! Conversions to dates, and of dates to text.

use argon_core::Result;
use bson::raw::RawBsonRef;
use bson::{DateTime, Timestamp};

use super::number::integer_part;
use crate::expression::operators::dates::{self, Zone};
use crate::number::Number;
use crate::value::Value;

const MILLISECONDS: i64 = 1000;

pub(super) fn to_date<'a>(value: RawBsonRef<'_>) -> Result<Option<Value<'a>>> {
    let milliseconds = match value {
        // An int is not a date: it has too few bits.
        RawBsonRef::Int64(_) | RawBsonRef::Double(_) | RawBsonRef::Decimal128(_) => {
            match Number::of(value) {
                Some(number) => integer_part(number)?,
                None => return Ok(None),
            }
        }
        RawBsonRef::String(text) => {
            return dates::from_string(text, None, &Zone::UTC).map(|date| Some(date.into()));
        }
        RawBsonRef::ObjectId(id) => {
            let [a, b, c, d, ..] = id.bytes();
            i64::from(i32::from_be_bytes([a, b, c, d])) * MILLISECONDS
        }
        RawBsonRef::Timestamp(Timestamp { time, .. }) => i64::from(time) * MILLISECONDS,
        _ => return Ok(None),
    };
    Ok(Some(DateTime::from_millis(milliseconds).into()))
}

/// The text of a date in UTC: `2026-07-07T09:00:00.000Z`.
///
/// # Errors
/// If the year is not from 0 to 9999.
pub(super) fn to_text(date: DateTime) -> Result<String> {
    dates::format(dates::ISO_UTC, date.timestamp_millis(), &Zone::UTC)
}
