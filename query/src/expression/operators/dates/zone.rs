//! Time zones.

use std::sync::OnceLock;

use argon_core::Result;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::calendar::Local;
use crate::Code;

/// The seconds after which the calendar, and so the rules of a zone, repeat.
const SECONDS_OF_ERA: i64 = 146_097 * 86_400;

/// How far around a time an end of daylight saving time is looked for.
const NEARBY: i64 = 7200;

/// A time zone: an offset from UTC, or a place.
#[derive(Debug, Clone)]
pub(crate) enum Zone {
    /// Seconds east of UTC.
    Offset(i64),
    /// A zone of the IANA's database.
    Named(TimeZone),
}

/// What holds in a zone from a transition on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    offset: i64,
    daylight: bool,
}

impl Zone {
    pub(crate) const UTC: Self = Self::Offset(0);

    /// The zone of an identifier, `America/New_York`, or an offset: `+hh`, `+hhmm` or `+hh:mm`.
    ///
    /// # Errors
    /// 40485 for any other text. Case matters.
    pub(super) fn parse(id: &str) -> Result<Self> {
        static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
        if id == "UTC" {
            return Ok(Self::UTC);
        }
        if let Some(offset) = offset(id) {
            return Ok(Self::Offset(offset));
        }
        let database = DATABASE.get_or_init(TimeZoneDatabase::bundled);
        match database.get(id) {
            Ok(zone) if zone.iana_name() == Some(id) => Ok(Self::Named(zone)),
            _ => {
                Err(Code::location(40485)
                    .error(format!("unrecognized time zone identifier: \"{id}\"")))
            }
        }
    }

    /// Whether this is UTC, by name or as an offset of zero.
    pub(super) fn is_utc(&self) -> bool {
        matches!(self, Self::Offset(0))
    }

    /// The local time of a time in milliseconds since 1970.
    pub(super) fn local(&self, millis: i64) -> Local {
        let seconds = millis.div_euclid(1000);
        let Rule { offset, daylight } = self.rule(seconds);
        Local::of(seconds, millis.rem_euclid(1000), offset, daylight)
    }

    /// The seconds east of UTC at a time in milliseconds since 1970.
    pub(super) fn offset(&self, millis: i64) -> i64 {
        self.rule(millis.div_euclid(1000)).offset
    }

    fn rule(&self, seconds: i64) -> Rule {
        match self {
            Self::Offset(offset) => Rule { offset: *offset, daylight: false },
            Self::Named(zone) => {
                let info = zone.to_offset_info(timestamp(seconds));
                let offset = i64::from(info.offset().seconds());
                Rule { offset, daylight: info.dst().is_dst() }
            }
        }
    }

    /// The seconds since 1970 of a local time, which is given as if it were UTC.
    ///
    /// A time that a transition skips is as long after the transition as it says; of a time that
    /// comes twice it is the second, unless `daylight` says that the first is meant. That is
    /// timelib's `do_adjust_timezone` (`tm2unixtime.c`).
    pub(super) fn to_utc(&self, local: i64, daylight: bool) -> i64 {
        let Self::Named(zone) = self else { return local - self.rule(local).offset };
        let current = self.rule(local);
        let mut at = local - current.offset;
        let mut actual = self.rule(at).offset;
        if current.offset == actual {
            let nearby = if current.offset >= 0 && daylight && !current.daylight {
                Some(at - NEARBY)
            } else if current.offset <= 0 && current.daylight && !daylight {
                Some(at + NEARBY)
            } else {
                None
            };
            if let Some(nearby) = nearby {
                let other = self.rule(nearby).offset;
                let since = last_transition(zone, nearby.max(at));
                let is_before = since.is_some_and(|since| local - other < since);
                if other != actual && is_before == (nearby < at) {
                    (actual, at) = (other, nearby);
                }
            }
        }
        let skipped = last_transition(zone, at).is_some_and(|transition| {
            let time = local - actual;
            time >= transition + (current.offset - actual) && time < transition
        });
        if current.offset != actual && !skipped { local - actual } else { local - current.offset }
    }
}

/// The time of the last transition up to a time.
fn last_transition(zone: &TimeZone, seconds: i64) -> Option<i64> {
    let within = timestamp(seconds.saturating_add(1));
    let shift = seconds + 1 - within.as_second();
    zone.preceding(within).next().map(|transition| transition.timestamp().as_second() + shift)
}

/// A time as one of jiff's, whose years are up to 9999: a later one as the same of another era, an
/// earlier one as the first, because no zone had a rule then.
fn timestamp(seconds: i64) -> Timestamp {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let seconds = match seconds {
        seconds if seconds > last => {
            seconds - ((seconds - last - 1) / SECONDS_OF_ERA + 1) * SECONDS_OF_ERA
        }
        seconds => seconds.max(first),
    };
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The seconds of `+hh`, `+hhmm` or `+hh:mm`.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        5 => digits.split_once(':').filter(|(hours, _)| hours.len() == 2)?,
        _ => return None,
    };
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| digits)
    };
    Some(sign * (number(hours)? * 3600 + number(minutes)? * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_three_forms() {
        for (text, seconds) in [
            ("+01", 3600),
            ("-0330", -12_600),
            ("+05:45", 20_700),
            ("-00:00", 0),
            ("+9999", 362_340),
        ] {
            assert_eq!(offset(text), Some(seconds), "{text}");
        }
        for text in ["", "01", "+1", "+001", "+1:00", "+01:0", "+01:000", "+a1", "+01-00", "+é1"] {
            assert_eq!(offset(text), None, "{text}");
        }
    }

    #[test]
    fn skipped_and_repeated_times_are_resolved_as_by_timelib() {
        let new_york = Zone::parse("America/New_York").unwrap();
        let paris = Zone::parse("Europe/Paris").unwrap();
        let local = |text: &str| format!("{text}Z").parse::<Timestamp>().unwrap().as_second();
        for (zone, time, daylight, utc) in [
            (&new_york, "2020-07-01T12:00:00", false, "2020-07-01T16:00:00"),
            (&new_york, "2020-12-01T12:00:00", true, "2020-12-01T17:00:00"),
            (&new_york, "2020-03-08T02:30:00", false, "2020-03-08T07:30:00"),
            (&new_york, "2020-11-01T01:30:00", true, "2020-11-01T05:30:00"),
            (&new_york, "2020-11-01T01:30:00", false, "2020-11-01T06:30:00"),
            (&paris, "2020-03-29T02:30:00", false, "2020-03-29T01:30:00"),
            (&paris, "2020-10-25T02:30:00", true, "2020-10-25T00:30:00"),
            (&paris, "2020-10-25T02:30:00", false, "2020-10-25T01:30:00"),
            (&paris, "2020-10-25T03:30:00", true, "2020-10-25T02:30:00"),
        ] {
            assert_eq!(zone.to_utc(local(time), daylight), local(utc), "{time} {daylight}");
        }
    }

    #[test]
    fn zones_have_rules_at_all_times() {
        let paris = Zone::parse("Europe/Paris").unwrap();
        assert_eq!(paris.offset(i64::MIN), paris.offset(-400_000_000_000_000));
        let summer = 253_402_300_800_000 + 200 * 86_400_000;
        assert_eq!((paris.offset(summer), paris.local(summer).daylight), (7200, true));
    }
}
