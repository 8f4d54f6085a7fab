//! Units of time in windows and in `$densify`, where dates are in UTC.

use argon_core::Result;
use bson::DateTime;

pub(crate) use crate::expression::Unit;

use crate::Code;
use crate::expression::{Zone, date_add};

impl Unit {
    /// Reads the name of a unit.
    ///
    /// # Errors
    /// `FailedToParse` if there is no such unit.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        Self::named(name)
            .ok_or_else(|| Code::FAILED_TO_PARSE.error(format!("unknown time unit value: {name}")))
    }

    /// The length in milliseconds; `None` of those that vary.
    pub(crate) fn milliseconds(self) -> Option<i64> {
        match self {
            Self::Day => Some(86_400_000),
            Self::Week => Some(7 * 86_400_000),
            other => other.millis(),
        }
    }

    /// The date some units later, as `$dateAdd` gives it.
    ///
    /// # Errors
    /// 5166406 if the result is out of range.
    pub(crate) fn add(self, date: DateTime, amount: i64) -> Result<DateTime> {
        let later = date_add(date.timestamp_millis(), self, amount, &Zone::UTC);
        later.map(DateTime::from_millis).map_err(|_| {
            Code::location(5_166_406)
                .error("$dateAdd overflowed: the result is not a representable date")
        })
    }
}
