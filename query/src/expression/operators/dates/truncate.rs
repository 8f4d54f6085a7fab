//! `$dateTrunc`: bins of equal size, counted from 2000-01-01 in the zone, or from the first day of a
//! week after that.

use argon_core::Result;
use bson::DateTime;

use super::arguments::{self, Unit, integer, named_date, overflow};
use super::arithmetic::date_add;
use super::calendar::{Local, SECONDS_OF_DAY, weekday};
use super::difference::{boundaries, weeks};
use super::zone::Zone;
use crate::Code;
use crate::expression::operators::message::shown;
use crate::expression::{Refusal, Signature};
use crate::value::Value;

/// 2000-01-01T00:00:00Z in milliseconds.
const REFERENCE: i64 = 946_684_800_000;
/// 2000-01-01 in days.
const REFERENCE_DAY: i64 = REFERENCE / 1000 / SECONDS_OF_DAY;
/// The largest bin of days and longer units.
const MOST_UNITS: i64 = 100_000_000_000;

pub(super) static SIGNATURE: Signature = Signature {
    object: Refusal(5_439_007, "$dateTrunc only supports an object as its argument"),
    unknown: Refusal(5_439_008, "Unrecognized argument to $dateTrunc: "),
    required: &[
        ("date", Refusal(5_439_009, "Missing 'date' parameter to $dateTrunc")),
        ("unit", Refusal(5_439_010, "Missing 'unit' parameter to $dateTrunc")),
    ],
    optional: &["binSize", "timezone", "startOfWeek"],
};

pub(super) fn truncate<'a>(values: &[Option<Value<'_>>]) -> Result<Value<'a>> {
    const NAME: &str = "$dateTrunc";
    let [Some(date), Some(unit), bin, timezone, first] = values else {
        return Ok(Value::NULL);
    };
    if date.is_nullish() || bin.as_ref().is_some_and(Value::is_nullish) {
        return Ok(Value::NULL);
    }
    let bin = bin.as_ref().map_or(Ok(1), bin_size)?;
    if unit.is_nullish() {
        return Ok(Value::NULL);
    }
    let unit = Unit::of(unit, NAME)?;
    let first = match unit {
        Unit::Week => arguments::start_of_week(first.as_ref(), NAME)?,
        _ => Some(0),
    };
    let Some(first) = first else { return Ok(Value::NULL) };
    let Some(zone) = arguments::zone(timezone.as_ref())? else { return Ok(Value::NULL) };
    let date = named_date(date, NAME, "date")?;
    let truncated = match unit.millis() {
        Some(millis) => in_bins_of_millis(date, bin, millis, &zone)?,
        None => in_bins_of_days(date, bin, unit, first, &zone)?,
    };
    Ok(DateTime::from_millis(truncated).into())
}

fn bin_size(value: &Value<'_>) -> Result<i64> {
    let size = integer(value).ok_or_else(|| {
        Code::location(5_439_017).error(format!(
            "$dateTrunc requires 'binSize' to be a 64-bit integer, but got value '{}' of type {}",
            shown(value),
            value.type_name()
        ))
    })?;
    if size <= 0 {
        return Err(Code::location(5_439_018).error(format!(
            "$dateTrunc requires 'binSize' to be greater than 0, but got value {size}"
        )));
    }
    Ok(size)
}

fn in_bins_of_millis(date: i64, bin: i64, millis: i64, zone: &Zone) -> Result<i64> {
    let overflowed = |code| move || overflow(code, "dateTrunc");
    let size = bin.checked_mul(millis).ok_or_else(overflowed(5_439_002))?;
    let since = date.checked_sub(reference(zone)).ok_or_else(overflowed(5_439_000))?;
    date.checked_sub(since.rem_euclid(size)).ok_or_else(overflowed(5_439_001))
}

fn in_bins_of_days(date: i64, bin: i64, unit: Unit, first: i64, zone: &Zone) -> Result<i64> {
    if bin > MOST_UNITS {
        return Err(Code::location(5_439_006).error("dateTrunc unsupported binSize value"));
    }
    let local = zone.local(date);
    let mut reference = reference(zone);
    let distance = if unit == Unit::Week {
        let days = (first - weekday(REFERENCE_DAY)).rem_euclid(7);
        reference += days * SECONDS_OF_DAY * 1000;
        weeks(REFERENCE_DAY + days, local.epoch_day(), first)
    } else {
        boundaries(&Local::of(REFERENCE / 1000, 0, 0, false), &local, unit, first)
    };
    date_add(reference, unit, distance - distance.rem_euclid(bin), zone)
}

/// 2000-01-01 in a zone; no zone changed its offset then.
fn reference(zone: &Zone) -> i64 {
    REFERENCE - zone.offset(REFERENCE) * 1000
}
