//! Times as people write them: the one grammar for every time in a revision or a filter.
//!
//! | text | time |
//! | --- | --- |
//! | `2026-07-07T09:00:00.123Z`, `2026-07-07T09:00`, `2026-07-07 9:00` | that time |
//! | `2026-07-07`, `today`, `yesterday` | the start of that day |
//! | `yesterday 12:30` | that time of that day |
//! | `12:30` | the last time that it was 12:30 |
//! | `1h ago`, `1h`, `2 days ago`, `1.hour.ago`, `now` | so long before now |
//!
//! All but the last may end with a zone: `Z`, `+02:00`, `Europe/Berlin` or `[Europe/Berlin]`. Without
//! one, a time is UTC, in which Argon prints times.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use bson::DateTime;
use jiff::civil::{self, Date};
use jiff::fmt::friendly::SpanParser;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SpanFieldwise, Timestamp};

use crate::{Error, Result};

static DURATIONS: SpanParser = SpanParser::new();

/// A time as a person wrote it, which may depend on the time at which it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A time.
    At(DateTime),
    /// So long before now.
    Ago(SpanFieldwise),
    /// A day near now, and a time of it, in a zone.
    Near { day: Day, time: civil::Time, zone: TimeZone },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    Today,
    Yesterday,
    /// The last one that has reached the time.
    Last,
}

impl Moment {
    /// Returns the time that is meant, if it is `now`.
    pub fn at(&self, now: DateTime) -> DateTime {
        match &self.kind {
            Kind::At(time) => *time,
            // Before all times that can be written, and so before every commit.
            Kind::Ago(_) | Kind::Near { .. } => self.near(now).unwrap_or(DateTime::MIN),
        }
    }

    fn near(&self, now: DateTime) -> Option<DateTime> {
        let now = Timestamp::from_millisecond(now.timestamp_millis()).ok()?;
        let millis = match &self.kind {
            Kind::At(time) => return Some(*time),
            Kind::Ago(SpanFieldwise(span)) => {
                now.to_zoned_datetime(TimeZone::UTC).checked_sub(*span).ok()?.timestamp()
            }
            Kind::Near { day, time, zone } => {
                let today = now.to_zoned_datetime(zone.clone()).date();
                let of = |date| local(date, *time, zone);
                match day {
                    Day::Today => of(today)?,
                    Day::Yesterday => of(today.yesterday().ok()?)?,
                    Day::Last => match of(today)? {
                        time if time > now => of(today.yesterday().ok()?)?,
                        time => time,
                    },
                }
            }
        };
        Some(DateTime::from_millis(millis.as_millisecond()))
    }
}

impl From<DateTime> for Moment {
    fn from(time: DateTime) -> Self {
        Self { text: time.try_to_rfc3339_string().unwrap_or_default(), kind: Kind::At(time) }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Moment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text.trim()).ok_or_else(|| {
            Error::invalid(format!(
                "invalid time '{text}': expected a date such as 2026-07-07 or yesterday, a time such \
                 as 2026-07-07T09:00, 12:30 or '2026-07-07 09:00 Europe/Berlin' (UTC without a \
                 zone), or a duration such as '1h ago'"
            ))
        })
    }
}

/// Parses a time that does not depend on now: RFC 3339, or a date alone for its start in UTC.
pub fn parse_time(text: &str) -> Option<DateTime> {
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    DateTime::parse_rfc3339_str(full).ok()
}

fn parse(text: &str) -> Option<Moment> {
    if let Some(time) = parse_time(text) {
        return Some(time.into());
    }
    let kind = calendar(text).or_else(|| ago(text))?;
    Some(match kind {
        Kind::At(time) => time.into(),
        kind => Moment { text: text.to_owned(), kind },
    })
}

/// A date, a time of a day, or both, with or without a zone.
fn calendar(text: &str) -> Option<Kind> {
    let (day, rest) = day(text);
    let rest = rest.strip_prefix(['T', 't']).filter(|_| day.is_some()).unwrap_or(rest).trim_start();
    let clock = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(clock);
    let time = match clock {
        "" if day.is_some() => civil::Time::midnight(),
        clock => time(clock)?,
    };
    let zone = parse_zone(zone.trim())?;
    match day {
        Some(NamedDay::Date(date)) => {
            let millis = local(date, time, &zone)?.as_millisecond();
            Some(Kind::At(DateTime::from_millis(millis)))
        }
        Some(NamedDay::Near(day)) => Some(Kind::Near { day, time, zone }),
        None => Some(Kind::Near { day: Day::Last, time, zone }),
    }
}

enum NamedDay {
    Date(Date),
    Near(Day),
}

/// The day with which a text begins, and the rest of it.
fn day(text: &str) -> (Option<NamedDay>, &str) {
    for (name, day) in [("today", Day::Today), ("yesterday", Day::Yesterday)] {
        if let Some(start) = text.get(..name.len())
            && start.eq_ignore_ascii_case(name)
        {
            return (Some(NamedDay::Near(day)), &text[name.len()..]);
        }
    }
    match text.split_at_checked("2026-07-07".len()) {
        Some((start, rest)) => match date(start) {
            Some(date) => (Some(NamedDay::Date(date)), rest),
            None => (None, text),
        },
        None => (None, text),
    }
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let date = Date::new(digits(year, 4..=4)?, digits(month, 2..=2)?, digits(day, 2..=2)?).ok()?;
    parts.next().is_none().then_some(date)
}

/// A time of a day: `9:00`, `09:00:30`, `09:00:30.123`.
fn time(text: &str) -> Option<civil::Time> {
    let mut parts = text.split(':');
    let (hour, minute) = (digits(parts.next()?, 1..=2)?, digits(parts.next()?, 2..=2)?);
    let (second, nanos) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (second, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let nanos: i32 = digits(&format!("{fraction:0<9}"), 9..=9)?;
            (digits(second, 2..=2)?, nanos)
        }
    };
    let time = civil::Time::new(hour, minute, second, nanos).ok()?;
    parts.next().is_none().then_some(time)
}

fn digits<T: FromStr>(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<T> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && length.contains(&text.len());
    if is_number { text.parse().ok() } else { None }
}

/// A zone: none for UTC, an offset, or a name of the IANA's database.
fn parse_zone(text: &str) -> Option<TimeZone> {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if text.is_empty() || text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(TimeZone::UTC);
    }
    if text.starts_with(['+', '-']) {
        return offset(text);
    }
    DATABASE.get_or_init(TimeZoneDatabase::bundled).get(text).ok()
}

/// An offset: `+02`, `+0200` or `+02:00`.
fn offset(text: &str) -> Option<TimeZone> {
    let (sign, rest) = text.split_at(1);
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 => rest.split_at(2),
        None => (rest, "00"),
    };
    let minutes: i32 = digits::<i32>(minutes, 2..=2)?;
    let seconds = (digits::<i32>(hours, 2..=2)? * 60 + minutes) * 60;
    let seconds = if sign == "-" { -seconds } else { seconds };
    Some(TimeZone::fixed(Offset::from_seconds(seconds).ok().filter(|_| minutes < 60)?))
}

/// A local time; one that daylight saving time skips counts from before, one that comes twice is the
/// first.
fn local(date: Date, time: civil::Time, zone: &TimeZone) -> Option<Timestamp> {
    let local = civil::DateTime::from_parts(date, time);
    Some(local.to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

/// A duration before now, with or without `ago`.
fn ago(text: &str) -> Option<Kind> {
    if text.eq_ignore_ascii_case("now") {
        return Some(Kind::Ago(SpanFieldwise::default()));
    }
    let text = text.to_ascii_lowercase();
    // The parser takes 12:30:00 for a duration too.
    if text.contains(':') {
        return None;
    }
    // As in git, where an argument needs no quotes then.
    let text = match text.strip_suffix("ago") {
        Some(span) if !span.contains(' ') => span.replace(['.', '_'], " "),
        Some(span) => span.to_owned(),
        None => text,
    };
    let span = DURATIONS.parse_span(text.trim()).ok()?;
    (!span.is_negative()).then_some(Kind::Ago(span.fieldwise()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-07-07T09:15:00Z";

    fn at(text: &str) -> String {
        let moment: Moment = text.parse().unwrap();
        assert_eq!(moment.to_string().parse::<Moment>().unwrap(), moment, "{text}");
        let now = DateTime::parse_rfc3339_str(NOW).unwrap();
        moment.at(now).try_to_rfc3339_string().unwrap()
    }

    #[test]
    fn each_form_is_read_as_utc_without_a_zone() {
        for (text, time) in [
            ("2026-07-01T09:00:00Z", "2026-07-01T09:00:00Z"),
            ("2026-07-01T11:00:00.5+02:00", "2026-07-01T09:00:00.5Z"),
            ("2026-07-01", "2026-07-01T00:00:00Z"),
            ("2026-07-01T09:00", "2026-07-01T09:00:00Z"),
            ("2026-07-01 9:05", "2026-07-01T09:05:00Z"),
            ("2026-07-01 09:00:30.25", "2026-07-01T09:00:30.25Z"),
            ("today", "2026-07-07T00:00:00Z"),
            ("yesterday", "2026-07-06T00:00:00Z"),
            ("Yesterday 12:30", "2026-07-06T12:30:00Z"),
            ("09:15", "2026-07-07T09:15:00Z"),
            ("12:30", "2026-07-06T12:30:00Z"),
            ("now", NOW),
            ("1h ago", "2026-07-07T08:15:00Z"),
            ("1h", "2026-07-07T08:15:00Z"),
            ("1h30m", "2026-07-07T07:45:00Z"),
            ("2 days ago", "2026-07-05T09:15:00Z"),
            ("1.hour.ago", "2026-07-07T08:15:00Z"),
            ("1 month ago", "2026-06-07T09:15:00Z"),
        ] {
            assert_eq!(at(text), time, "{text}");
        }
    }

    #[test]
    fn a_zone_is_an_offset_or_a_name() {
        for (text, time) in [
            ("2026-07-01T09:00+02", "2026-07-01T07:00:00Z"),
            ("2026-07-01T09:00-0530", "2026-07-01T14:30:00Z"),
            ("2026-07-01 09:00 Europe/Berlin", "2026-07-01T07:00:00Z"),
            ("2026-01-01T09:00[Europe/Berlin]", "2026-01-01T08:00:00Z"),
            ("2026-07-01 Europe/Berlin", "2026-06-30T22:00:00Z"),
            ("10:00 Europe/Berlin", "2026-07-07T08:00:00Z"),
            ("12:30+02:00", "2026-07-06T10:30:00Z"),
            ("yesterday 00:30 UTC", "2026-07-06T00:30:00Z"),
        ] {
            assert_eq!(at(text), time, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_would_be_one() {
        for text in [
            "",
            "x",
            "2026",
            "2026-13-01",
            "25:00",
            "12:60",
            "12:30:61",
            "-1h",
            "1",
            "2026-07-07 09:00 Europe/Nowhere",
            "09:00+2",
            "09:00+02:60",
            "1h from now",
            "12:30:00:00",
        ] {
            let error = text.parse::<Moment>().unwrap_err();
            assert!(error.to_string().contains("'1h ago'"), "{text}: {error}");
        }
    }

    #[test]
    fn a_time_before_all_times_is_the_earliest() {
        let moment: Moment = "19000 years ago".parse().unwrap();
        assert_eq!(moment.at(DateTime::from_millis(0)), DateTime::MIN);
    }
}
