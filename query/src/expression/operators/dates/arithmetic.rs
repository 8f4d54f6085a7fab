//! `$dateAdd`, `$dateSubtract`.

use argon_core::Result;
use bson::DateTime;

use super::arguments::{self, Unit, integer, overflow};
use super::calendar::{Fields, carry_months, days_in_month};
use super::zone::Zone;
use crate::Code;
use crate::expression::{Refusal, Signature};
use crate::value::Value;

macro_rules! arithmetic_signature {
    ($name:literal) => {
        Signature {
            object: Refusal(5_166_400, concat!($name, " expects an object as its argument")),
            unknown: Refusal(5_166_401, concat!("Unrecognized argument to ", $name, ": ")),
            required: &[
                ("startDate", arithmetic_signature!(missing $name)),
                ("unit", arithmetic_signature!(missing $name)),
                ("amount", arithmetic_signature!(missing $name)),
            ],
            optional: &["timezone"],
        }
    };
    (missing $name:literal) => {
        Refusal(5_166_402, concat!($name, " requires startDate, unit, and amount to be present"))
    };
}

pub(super) static ADD: Signature = arithmetic_signature!("$dateAdd");
pub(super) static SUBTRACT: Signature = arithmetic_signature!("$dateSubtract");

pub(super) fn add<'a>(values: &[Option<Value<'_>>]) -> Result<Value<'a>> {
    let Some(sum) = Sum::of("$dateAdd", values)? else { return Ok(Value::NULL) };
    Ok(DateTime::from_millis(date_add(sum.date, sum.unit, sum.amount, &sum.zone)?).into())
}

pub(super) fn subtract<'a>(values: &[Option<Value<'_>>]) -> Result<Value<'a>> {
    let Some(sum) = Sum::of("$dateSubtract", values)? else { return Ok(Value::NULL) };
    let amount = sum.amount.checked_neg().ok_or_else(|| {
        Code::location(6_045_000)
            .error(format!("invalid $dateSubtract 'amount' parameter value: {}", sum.amount))
    })?;
    Ok(DateTime::from_millis(date_add(sum.date, sum.unit, amount, &sum.zone)?).into())
}

/// The arguments.
struct Sum {
    date: i64,
    unit: Unit,
    amount: i64,
    zone: Zone,
}

impl Sum {
    /// `None` if an argument is null.
    fn of(operator: &str, values: &[Option<Value<'_>>]) -> Result<Option<Self>> {
        let [Some(date), Some(unit), Some(amount), timezone] = values else { return Ok(None) };
        if date.is_nullish() || unit.is_nullish() {
            return Ok(None);
        }
        let unit = Unit::of(unit, operator)?;
        if amount.is_nullish() {
            return Ok(None);
        }
        let Some(zone) = arguments::zone(timezone.as_ref())? else { return Ok(None) };
        let date = arguments::coerce(date).ok_or_else(|| {
            Code::location(5_166_403)
                .error(format!("{operator} requires startDate to be convertible to a date"))
        })?;
        let amount = integer(amount).ok_or_else(|| {
            Code::location(5_166_405)
                .error(format!("{operator} expects integer amount of time units"))
        })?;
        Ok(Some(Self { date, unit, amount, zone }))
    }
}

/// Adds an amount of units to a date in milliseconds.
///
/// Days and longer units are those of the zone, so that the time of the day stays the same; a day
/// that a month does not have becomes its last. Shorter units are of equal length.
///
/// # Errors
/// 5976500 or 5166406 if the sum is out of range, 159 if it is for milliseconds.
pub(crate) fn date_add(date: i64, unit: Unit, amount: i64, zone: &Zone) -> Result<i64> {
    if unit == Unit::Millisecond {
        return date.checked_add(amount).ok_or_else(|| {
            Code::location(159).error(format!("Overflow while adding {amount} to a date"))
        });
    }
    if amount.unsigned_abs() >= most(unit) {
        return Err(Code::location(5_976_500)
            .error(format!("invalid dateAdd 'amount' parameter value: {amount} {}", unit.name())));
    }
    let overflowed = || overflow(5_166_406, "dateAdd");
    if let Some(millis) = unit.millis() {
        return amount
            .checked_mul(millis)
            .and_then(|millis| date.checked_add(millis))
            .ok_or_else(overflowed);
    }
    let local = zone.local(date);
    let (mut year, mut month, mut day) = (local.year, local.month, local.day);
    let months = match unit {
        Unit::Year => amount * 12,
        Unit::Quarter => amount * 3,
        Unit::Month => amount,
        Unit::Week => {
            day += amount * 7;
            0
        }
        _ => {
            day += amount;
            0
        }
    };
    if months != 0 {
        (year, month) = carry_months(year, month + months);
        day = day.min(days_in_month(year, month));
    }
    if (year, month, day) == (local.year, local.month, local.day) {
        return Ok(date);
    }
    let (hour, minute, second) = (local.hour, local.minute, local.second);
    let fields = Fields { year, month, day, hour, minute, second, microsecond: 0 };
    let (seconds, _) = fields.seconds().ok_or_else(overflowed)?;
    let millis = zone.to_utc(seconds, local.daylight).checked_mul(1000);
    millis.and_then(|millis| millis.checked_add(local.millisecond)).ok_or_else(overflowed)
}

/// The least amount that is too much, whatever the date is: `isDateAddAmountValid` in
/// `date_time_support.cpp`.
fn most(unit: Unit) -> u64 {
    const DAYS: u64 = u64::MAX / 86_400_000 + 1;
    const YEARS: u64 = DAYS / 365 + 1;
    match unit {
        Unit::Year => YEARS,
        Unit::Quarter => YEARS * 4,
        Unit::Month => YEARS * 12,
        Unit::Week => DAYS / 7,
        Unit::Day => DAYS,
        Unit::Hour => DAYS * 24,
        Unit::Minute => DAYS * 24 * 60,
        Unit::Second => DAYS * 24 * 3600,
        Unit::Millisecond => u64::MAX,
    }
}
