//! The parts of a date that were read, and the date that they are.

use argon_core::Result;

use super::super::calendar::{Fields, date_of, days_in_month, epoch_day, weekday};
use super::super::zone::Zone;
use crate::Code;

/// The parts of a date that were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    pub(super) year: Option<i64>,
    pub(super) month: Option<i64>,
    pub(super) day: Option<i64>,
    pub(super) hour: Option<i64>,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
    pub(super) microsecond: Option<i64>,
    pub(super) zone: Option<ParsedZone>,
    /// What is added to the date.
    pub(super) relative: Fields,
    /// A day of the week that the date moves to.
    pub(super) weekday: Option<Weekday>,
}

/// A zone in the text.
#[derive(Debug, Clone)]
pub(super) struct ParsedZone {
    /// Seconds east of UTC.
    pub(super) offset: i64,
    /// The abbreviation; `None` for an offset.
    pub(super) abbreviation: Option<String>,
}

/// A day of the week that a date moves to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weekday {
    /// 0 is Sunday. Negative for a day before the date, of which -7 is Sunday.
    pub(super) day: i64,
    pub(super) kind: WeekdayKind,
}

/// Which of the days with a name a date moves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WeekdayKind {
    /// The next one after the date.
    After,
    /// The date, or the next one.
    From,
    /// That of the week of the date, which begins on Mondays.
    OfWeek,
}

impl Weekday {
    /// The days to it from a day of the week, if so many days are added too: timelib's
    /// `do_adjust_for_weekday`.
    fn days_from(self, today: i64, added: i64) -> i64 {
        if self.kind == WeekdayKind::OfWeek {
            let day = match (today, self.day) {
                (0, day) if day != 0 => day - 7,
                (today, 0) if today != 0 => 7,
                (_, day) => day,
            };
            return day - today;
        }
        if self.day < 0 {
            return self.day.abs() - today - 7;
        }
        let days = self.day - today;
        let is_past = if self.kind == WeekdayKind::From { days <= -1 } else { days <= 0 };
        if (added < 0 && days < 0) || (added >= 0 && is_past) { days + 7 } else { days }
    }
}

impl Parsed {
    /// Whether the time of the day was read and is none.
    pub(super) fn has_invalid_time(&self) -> bool {
        match (self.hour, self.minute, self.second) {
            (Some(hour), Some(minute), Some(second)) => {
                !(0..=23).contains(&hour)
                    || !(0..=59).contains(&minute)
                    || !(0..=59).contains(&second)
            }
            _ => false,
        }
    }

    /// Whether the month and the day were read and there are no such ones.
    pub(super) fn has_invalid_date(&self) -> bool {
        match (self.year, self.month, self.day) {
            (Some(year), Some(month), Some(day)) => {
                !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month)
            }
            _ => false,
        }
    }

    /// The date, in milliseconds since 1970, in a zone if the text has none.
    ///
    /// # Errors
    /// `ConversionFailure` if a part is missing, or there are two zones.
    pub(super) fn date(mut self, text: &str, zone: &Zone) -> Result<i64> {
        if (self.hour, self.minute, self.second) == (None, None, None) {
            (self.hour, self.minute, self.second) = (Some(0), Some(0), Some(0));
            self.microsecond = Some(0);
        }
        let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) =
            (self.year, self.month, self.day, self.hour, self.minute, self.second)
        else {
            return Err(Code::CONVERSION_FAILURE.error(format!(
                "an incomplete date/time string has been found, with elements missing: \"{text}\""
            )));
        };
        if !zone.is_utc() {
            self.check_zone()?;
        }
        let microsecond = self.microsecond.unwrap_or(0);
        let fields = Fields { year, month, day, hour, minute, second, microsecond };
        let out_of_range =
            || Code::CONVERSION_FAILURE.error(format!("the date of '{text}' is out of range"));
        let fields = self.moved(fields).ok_or_else(out_of_range)?;
        let (local, microsecond) = fields.seconds().ok_or_else(out_of_range)?;
        let seconds = match &self.zone {
            Some(zone) => local - zone.offset,
            // timelib knows whether it is daylight saving time only from the zone's rules of 1970.
            None => zone.to_utc(local, zone.local(0).daylight),
        };
        let micros = i128::from(seconds) * 1_000_000 + i128::from(microsecond);
        i64::try_from(micros / 1000).map_err(|_| out_of_range())
    }

    fn check_zone(&self) -> Result<()> {
        let Some(zone) = &self.zone else { return Ok(()) };
        let found = match &zone.abbreviation {
            None => "GMT offset".to_owned(),
            Some(abbreviation) => format!("time zone information ('{abbreviation}')"),
        };
        Err(Code::CONVERSION_FAILURE.error(format!(
            "you cannot pass in a date/time string with {found} together with a timezone argument"
        )))
    }

    /// The fields after the movement to a day of the week and by the relative parts.
    fn moved(&self, mut fields: Fields) -> Option<Fields> {
        let by = &self.relative;
        if let Some(to) = self.weekday {
            let date = epoch_day(fields.year, fields.month, 1) + fields.day - 1;
            let date = date + to.days_from(weekday(date), by.day);
            // Months are added to the day that this is.
            (fields.year, fields.month, fields.day) = date_of(date);
        }
        for (field, by) in [
            (&mut fields.year, by.year),
            (&mut fields.month, by.month),
            (&mut fields.day, by.day),
            (&mut fields.hour, by.hour),
            (&mut fields.minute, by.minute),
            (&mut fields.second, by.second),
            (&mut fields.microsecond, by.microsecond),
        ] {
            *field = field.checked_add(by)?;
        }
        // Years beyond what a date can have would overflow the calendar.
        let most = 300_000_000;
        let fits = fields.year.abs() <= most && fields.month.abs() <= most * 12;
        fits.then_some(fields)
    }
}
