//! Units of time.

use argon_core::Result;
use bson::DateTime;
use jiff::{Span, Timestamp, tz::TimeZone};

use crate::Code;

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// Reads the name of a unit.
    ///
    /// # Errors
    /// `FailedToParse` if there is no such unit.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "millisecond" => Self::Millisecond,
            "second" => Self::Second,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            other => {
                return Err(
                    Code::FAILED_TO_PARSE.error(format!("unknown time unit value: {other}"))
                );
            }
        })
    }

    /// The length in milliseconds; `None` of those that vary.
    pub(crate) fn milliseconds(self) -> Option<i64> {
        match self {
            Self::Millisecond => Some(1),
            Self::Second => Some(1000),
            Self::Minute => Some(60_000),
            Self::Hour => Some(3_600_000),
            Self::Day => Some(86_400_000),
            Self::Week => Some(7 * 86_400_000),
            Self::Month | Self::Quarter | Self::Year => None,
        }
    }

    /// The date some units later, in UTC. A day that the month does not have becomes its last.
    ///
    /// # Errors
    /// If the result is out of range.
    pub(crate) fn add(self, date: DateTime, amount: i64) -> Result<DateTime> {
        let out_of_range = || {
            Code::location(5_166_406)
                .error("$dateAdd overflowed: the result is not a representable date")
        };
        let start = date.timestamp_millis();
        if let Some(unit) = self.milliseconds() {
            let end = unit.checked_mul(amount).and_then(|span| start.checked_add(span));
            return end.map(DateTime::from_millis).ok_or_else(out_of_range);
        }
        let months = match self {
            Self::Quarter => 3,
            Self::Year => 12,
            _ => 1,
        };
        let end = || {
            let months = amount.checked_mul(months)?;
            let span = Span::new().try_months(months).ok()?;
            let start = Timestamp::from_millisecond(start).ok()?.to_zoned_datetime(TimeZone::UTC);
            Some(start.checked_add(span).ok()?.timestamp().as_millisecond())
        };
        end().map(DateTime::from_millis).ok_or_else(out_of_range)
    }
}
