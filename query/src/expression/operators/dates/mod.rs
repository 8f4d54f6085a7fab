//! Operators on dates.
//!
//! MongoDB's server reads, writes and computes dates with timelib, and so do these operators follow
//! it, by `src/mongo/db/query/datetime/date_time_support.cpp`: also for times that a zone skips or
//! has twice. Rules of zones are those of `jiff`.
//!
//! | file | content |
//! | --- | --- |
//! | `calendar.rs` | the calendar: days, weeks, the fields of a local time |
//! | `zone.rs` | time zones: from a time to local time and back |
//! | `arguments.rs` | arguments: dates, units, days of a week |
//! | `parts.rs` | a part of a date, `$dateToParts` |
//! | `from_parts.rs` | `$dateFromParts` |
//! | `format.rs` | `$dateToString` |
//! | `parse/` | `$dateFromString` |
//! | `arithmetic.rs` | `$dateAdd`, `$dateSubtract` |
//! | `difference.rs` | `$dateDiff` |
//! | `truncate.rs` | `$dateTrunc` |

mod arguments;
mod arithmetic;
mod calendar;
mod difference;
mod format;
mod from_parts;
mod parse;
mod parts;
mod truncate;
mod zone;

use crate::expression::Definition;

pub(crate) use arguments::Unit;
pub(crate) use arithmetic::date_add;
pub(super) use format::{ISO_UTC, format};
pub(super) use parse::from_string;
use parts::{Part, part};
pub(crate) use zone::Zone;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::signed("$dateAdd", &arithmetic::ADD, |values, _| arithmetic::add(&values)),
    Definition::signed("$dateDiff", &difference::SIGNATURE, |values, _| {
        difference::difference(&values)
    }),
    Definition::form("$dateFromParts", from_parts::compile),
    Definition::form("$dateFromString", parse::compile),
    Definition::signed("$dateSubtract", &arithmetic::SUBTRACT, |values, _| {
        arithmetic::subtract(&values)
    }),
    Definition::signed("$dateToParts", &parts::SIGNATURE, |values, _| parts::to_parts(&values)),
    Definition::form("$dateToString", format::compile),
    Definition::signed("$dateTrunc", &truncate::SIGNATURE, |values, _| truncate::truncate(&values)),
    Definition::form("$dayOfMonth", |date, compiler| part(Part::DayOfMonth, date, compiler)),
    Definition::form("$dayOfWeek", |date, compiler| part(Part::DayOfWeek, date, compiler)),
    Definition::form("$dayOfYear", |date, compiler| part(Part::DayOfYear, date, compiler)),
    Definition::form("$hour", |date, compiler| part(Part::Hour, date, compiler)),
    Definition::form("$isoDayOfWeek", |date, compiler| part(Part::IsoDayOfWeek, date, compiler)),
    Definition::form("$isoWeek", |date, compiler| part(Part::IsoWeek, date, compiler)),
    Definition::form("$isoWeekYear", |date, compiler| part(Part::IsoWeekYear, date, compiler)),
    Definition::form("$millisecond", |date, compiler| part(Part::Millisecond, date, compiler)),
    Definition::form("$minute", |date, compiler| part(Part::Minute, date, compiler)),
    Definition::form("$month", |date, compiler| part(Part::Month, date, compiler)),
    Definition::form("$second", |date, compiler| part(Part::Second, date, compiler)),
    Definition::form("$week", |date, compiler| part(Part::Week, date, compiler)),
    Definition::form("$year", |date, compiler| part(Part::Year, date, compiler)),
];
