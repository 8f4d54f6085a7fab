//! Arguments of the operators on dates.

use argon_core::{Error, Result};
use bson::raw::RawBsonRef;

use super::zone::Zone;
use crate::Code;
use crate::number::Number;
use crate::value::Value;

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

const UNITS: [(&str, Unit); 9] = [
    ("year", Unit::Year),
    ("quarter", Unit::Quarter),
    ("month", Unit::Month),
    ("week", Unit::Week),
    ("day", Unit::Day),
    ("hour", Unit::Hour),
    ("minute", Unit::Minute),
    ("second", Unit::Second),
    ("millisecond", Unit::Millisecond),
];

/// The days of the week.
pub(super) const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

impl Unit {
    /// The unit of an operator's argument.
    ///
    /// # Errors
    /// 5439013 if it is not a string, `FailedToParse` if it names no unit.
    pub(super) fn of(value: &Value<'_>, operator: &str) -> Result<Self> {
        let name = value.as_str().ok_or_else(|| {
            Code::location(5_439_013).error(format!(
                "{operator} requires 'unit' to be a string, but got {}",
                value.type_name()
            ))
        })?;
        Self::named(name).ok_or_else(|| {
            Code::FAILED_TO_PARSE.error(format!(
                "{operator} parameter 'unit' value parsing failed :: caused by :: unknown time unit \
                 value: {name}"
            ))
        })
    }

    /// The unit of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        UNITS.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit)
    }

    pub(super) fn name(self) -> &'static str {
        UNITS.iter().find(|(_, unit)| *unit == self).map_or("", |(name, _)| name)
    }

    /// The milliseconds of a unit that is equally long in all zones.
    pub(crate) fn millis(self) -> Option<i64> {
        match self {
            Self::Hour => Some(3_600_000),
            Self::Minute => Some(60_000),
            Self::Second => Some(1000),
            Self::Millisecond => Some(1),
            _ => None,
        }
    }
}

/// The date of a value that is or has one, in milliseconds since 1970.
pub(super) fn coerce(value: &Value<'_>) -> Option<i64> {
    Some(match value.get()? {
        RawBsonRef::DateTime(date) => date.timestamp_millis(),
        RawBsonRef::Timestamp(timestamp) => i64::from(timestamp.time) * 1000,
        // The seconds have a sign, as on MongoDB's server.
        RawBsonRef::ObjectId(id) => {
            let [a, b, c, d, ..] = id.bytes();
            i64::from(i32::from_be_bytes([a, b, c, d])) * 1000
        }
        _ => return None,
    })
}

/// The date of a value that is or has one.
///
/// # Errors
/// 16006 if it has none.
pub(super) fn date(value: &Value<'_>) -> Result<i64> {
    coerce(value).ok_or_else(|| {
        Code::location(16006)
            .error(format!("can't convert from BSON type {} to Date", value.type_name()))
    })
}

/// A date of an operator's parameter.
///
/// # Errors
/// 5166307 if the value has none.
pub(super) fn named_date(value: &Value<'_>, operator: &str, parameter: &str) -> Result<i64> {
    coerce(value).ok_or_else(|| {
        Code::location(5_166_307).error(format!(
            "{operator} requires '{parameter}' to be a date, but got {}",
            value.type_name()
        ))
    })
}

/// The zone of an optional argument: UTC if it is not given, `None` if it is null.
///
/// # Errors
/// 40517 if it is not a string, 40485 if it names no zone.
pub(super) fn zone(value: Option<&Value<'_>>) -> Result<Option<Zone>> {
    let Some(value) = value else { return Ok(Some(Zone::UTC)) };
    if value.is_nullish() {
        return Ok(None);
    }
    let id = value.as_str().ok_or_else(|| {
        Code::location(40517)
            .error(format!("timezone must evaluate to a string, found {}", value.type_name()))
    })?;
    Zone::parse(id).map(Some)
}

/// The first day of a week of an optional argument, 0 for Sunday: Sunday if it is not given, `None`
/// if it is null.
///
/// # Errors
/// 5439015 if it is not a string, 5439016 if it names no day.
pub(super) fn start_of_week(value: Option<&Value<'_>>, operator: &str) -> Result<Option<i64>> {
    let Some(value) = value else { return Ok(Some(0)) };
    if value.is_nullish() {
        return Ok(None);
    }
    let name = value.as_str().ok_or_else(|| {
        Code::location(5_439_015).error(format!(
            "{operator} requires 'startOfWeek' to be a string, but got {}",
            value.type_name()
        ))
    })?;
    let lower = name.to_ascii_lowercase();
    let mut known = (0..).zip(WEEKDAYS);
    let found = known.find(|(_, day)| lower == *day || lower == day[..3]);
    found.map(|(day, _)| Some(day)).ok_or_else(|| {
        Code::location(5_439_016).error(format!(
            "{operator} parameter 'startOfWeek' value cannot be recognized as a day of a week: \
             {name}"
        ))
    })
}

/// A number that is a whole one, and within the range of long.
pub(super) fn integer(value: &Value<'_>) -> Option<i64> {
    value.get().and_then(Number::of).and_then(Number::exact_long)
}

/// The error for a date that does not fit.
pub(super) fn overflow(code: u32, operation: &str) -> Error {
    Code::location(code).error(format!("{operation} overflowed"))
}
