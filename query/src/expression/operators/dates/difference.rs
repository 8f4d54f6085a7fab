//! `$dateDiff`.

use argon_core::Result;

use super::arguments::{self, Unit, named_date, overflow};
use super::calendar::{Local, weekday};
use crate::expression::{Refusal, Signature};
use crate::value::Value;

pub(super) static SIGNATURE: Signature = Signature {
    object: Refusal(5_166_301, "$dateDiff only supports an object as its argument"),
    unknown: Refusal(5_166_302, "Unrecognized argument to $dateDiff: "),
    required: &[
        ("startDate", Refusal(5_166_303, "Missing 'startDate' parameter to $dateDiff")),
        ("endDate", Refusal(5_166_304, "Missing 'endDate' parameter to $dateDiff")),
        ("unit", Refusal(5_166_305, "Missing 'unit' parameter to $dateDiff")),
    ],
    optional: &["timezone", "startOfWeek"],
};

pub(super) fn difference<'a>(values: &[Option<Value<'_>>]) -> Result<Value<'a>> {
    const NAME: &str = "$dateDiff";
    let [Some(start), Some(end), Some(unit), timezone, first] = values else {
        return Ok(Value::NULL);
    };
    if start.is_nullish() || end.is_nullish() || unit.is_nullish() {
        return Ok(Value::NULL);
    }
    let unit = Unit::of(unit, NAME)?;
    let first = match unit {
        Unit::Week => arguments::start_of_week(first.as_ref(), NAME)?,
        _ => Some(0),
    };
    let Some(first) = first else { return Ok(Value::NULL) };
    let Some(zone) = arguments::zone(timezone.as_ref())? else { return Ok(Value::NULL) };
    let start = named_date(start, NAME, "startDate")?;
    let end = named_date(end, NAME, "endDate")?;
    if unit == Unit::Millisecond {
        let difference = end.checked_sub(start);
        return difference.map(Into::into).ok_or_else(|| overflow(5_166_308, "dateDiff"));
    }
    Ok(boundaries(&zone.local(start), &zone.local(end), unit, first).into())
}

/// The boundaries of units between two local times.
pub(super) fn boundaries(start: &Local, end: &Local, unit: Unit, start_of_week: i64) -> i64 {
    let quarter = |local: &Local| local.year * 4 + (local.month - 1) / 3;
    let hour = |local: &Local| local.epoch_day() * 24 + local.hour;
    let minute = |local: &Local| hour(local) * 60 + local.minute;
    let second = |local: &Local| minute(local) * 60 + local.second;
    // Parts of an hour that the offsets differ by are dropped, as on MongoDB's server.
    let offsets = start.offset - end.offset;
    match unit {
        Unit::Year => end.year - start.year,
        Unit::Quarter => quarter(end) - quarter(start),
        Unit::Month => (end.year - start.year) * 12 + end.month - start.month,
        Unit::Week => weeks(start.epoch_day(), end.epoch_day(), start_of_week),
        Unit::Day => end.epoch_day() - start.epoch_day(),
        Unit::Hour => hour(end) - hour(start) + offsets / 3600,
        Unit::Minute => minute(end) - minute(start) + offsets / 60,
        Unit::Second | Unit::Millisecond => second(end) - second(start) + offsets,
    }
}

/// The boundaries of weeks between two days.
pub(super) fn weeks(start: i64, end: i64, start_of_week: i64) -> i64 {
    let day_of_week = |day: i64| (weekday(day) - start_of_week).rem_euclid(7);
    (end - start + day_of_week(start) - day_of_week(end)) / 7
}
