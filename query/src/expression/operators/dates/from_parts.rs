//! `$dateFromParts`.

use argon_core::{Error, Result};
use bson::{Bson, DateTime};

use super::arguments::{self, integer};
use super::calendar::{Fields, IsoDay, date_of, epoch_day_of_iso};
use super::zone::Zone;
use crate::Code;
use crate::expression::operators::message::shown;
use crate::expression::{Compiler, Expression, Form, Refusal, Scope, Signature};
use crate::value::Value;

const NAMES: [&str; 11] = [
    "hour",
    "minute",
    "second",
    "millisecond",
    "timezone",
    "year",
    "month",
    "day",
    "isoWeekYear",
    "isoWeek",
    "isoDayOfWeek",
];

static SIGNATURE: Signature = Signature {
    object: Refusal(40519, "$dateFromParts only supports an object as its argument"),
    unknown: Refusal(40518, "Unrecognized argument to $dateFromParts: "),
    required: &[],
    optional: &NAMES,
};

/// A date of parts; each is the expression of its argument.
#[derive(Debug)]
struct FromParts {
    arguments: Vec<Option<Expression>>,
    iso: bool,
}

/// The parts of a date, or nothing because one is null.
type Parts<T> = Result<Option<T>>;

pub(super) fn compile(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let arguments = compiler.signed(argument, &SIGNATURE)?;
    let given = |names: &[&str]| {
        NAMES.iter().zip(&arguments).any(|(name, given)| given.is_some() && names.contains(name))
    };
    let iso = given(&["isoWeekYear"]);
    if !given(&["year"]) && !iso {
        return Err(Code::location(40516)
            .error("$dateFromParts requires either 'year' or 'isoWeekYear' to be present"));
    }
    if given(&["year"]) && given(&["isoWeekYear", "isoWeek", "isoDayOfWeek"]) {
        return Err(Code::location(40489)
            .error("$dateFromParts does not allow mixing natural dates with ISO dates"));
    }
    if iso && given(&["month", "day"]) {
        return Err(Code::location(40525)
            .error("$dateFromParts does not allow mixing ISO dates with natural dates"));
    }
    Ok(Expression::Form(Box::new(FromParts { arguments, iso })))
}

impl Form for FromParts {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let Some((time, zone)) = self.time(scope)? else { return Ok(Value::NULL) };
        let names = if self.iso {
            ["isoWeekYear", "isoWeek", "isoDayOfWeek"]
        } else {
            ["year", "month", "day"]
        };
        let Some(year) = self.part(names[0], 1970, scope)? else { return Ok(Value::NULL) };
        let Some(middle) = self.bounded(names[1], 1, scope)? else { return Ok(Value::NULL) };
        let Some(day) = self.bounded(names[2], 1, scope)? else { return Ok(Value::NULL) };
        if !(1..=9999).contains(&year) {
            return Err(Code::location(if self.iso { 31095 } else { 40523 }).error(format!(
                "'{}' must evaluate to an integer in the range 1 to 9999, found {year}",
                names[0]
            )));
        }
        let (year, month, day) = if self.iso {
            date_of(epoch_day_of_iso(IsoDay { year, week: middle, day }))
        } else {
            (year, middle, day)
        };
        date(Fields { year, month, day, ..time }, &zone).map(Value::from)
    }
}

impl FromParts {
    /// The time of the day and the zone.
    fn time(&self, scope: &Scope<'_>) -> Parts<(Fields, Zone)> {
        let Some(hour) = self.bounded("hour", 0, scope)? else { return Ok(None) };
        let Some(minute) = self.bounded("minute", 0, scope)? else { return Ok(None) };
        let Some(second) = self.part("second", 0, scope)? else { return Ok(None) };
        let Some(millisecond) = self.part("millisecond", 0, scope)? else { return Ok(None) };
        let timezone = self.argument("timezone").map(|zone| zone.evaluate(scope)).transpose()?;
        let Some(zone) = arguments::zone(timezone.as_ref())? else { return Ok(None) };
        let microsecond = millisecond.checked_mul(1000).ok_or_else(duration_overflow)?;
        Ok(Some((Fields { hour, minute, second, microsecond, ..Fields::default() }, zone)))
    }

    fn argument(&self, name: &str) -> Option<&Expression> {
        let arguments = NAMES.iter().zip(&self.arguments);
        arguments.into_iter().find(|(known, _)| **known == name)?.1.as_ref()
    }

    /// A part that is a whole number.
    fn part(&self, name: &str, default: i64, scope: &Scope<'_>) -> Parts<i64> {
        let Some(argument) = self.argument(name) else { return Ok(Some(default)) };
        let value = argument.evaluate(scope)?;
        if value.is_nullish() {
            return Ok(None);
        }
        integer(&value).map(Some).ok_or_else(|| {
            Code::location(40515).error(format!(
                "'{name}' must evaluate to an integer, found {} with value {}",
                value.type_name(),
                shown(&value)
            ))
        })
    }

    /// A part that fits into 16 bits.
    fn bounded(&self, name: &str, default: i64, scope: &Scope<'_>) -> Parts<i64> {
        let part = self.part(name, default, scope)?;
        match part {
            Some(number) if i16::try_from(number).is_err() => {
                Err(Code::location(31034).error(format!(
                    "'{name}' must evaluate to a value in the range [{}, {}]; value {number} is not \
                     in range",
                    i16::MIN,
                    i16::MAX
                )))
            }
            part => Ok(part),
        }
    }
}

/// The date of a local time.
fn date(fields: Fields, zone: &Zone) -> Result<DateTime> {
    let (seconds, microsecond) = fields.seconds().ok_or_else(duration_overflow)?;
    // timelib knows whether it is daylight saving time only from the zone's rules of 1970.
    let seconds = zone.to_utc(seconds, zone.local(0).daylight);
    let millis = seconds.checked_mul(1000).and_then(|m| m.checked_add(microsecond / 1000));
    millis.map(DateTime::from_millis).ok_or_else(duration_overflow)
}

fn duration_overflow() -> Error {
    Code::location(159)
        .error("Overflow casting from a lower-precision duration to a higher-precision duration")
}
