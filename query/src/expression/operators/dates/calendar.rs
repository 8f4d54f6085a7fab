//! The Gregorian calendar, also before its time, for all years that a date can have.

pub(super) const SECONDS_OF_DAY: i64 = 86_400;
const DAYS_OF_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// A local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) year: i64,
    /// 1 is January.
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millisecond: i64,
    /// Seconds east of UTC.
    pub(super) offset: i64,
    /// Whether it is daylight saving time.
    pub(super) daylight: bool,
}

/// A day by the weeks of ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IsoDay {
    pub(super) year: i64,
    pub(super) week: i64,
    /// 1 is Monday.
    pub(super) day: i64,
}

/// Parts of a local time, each of which may be out of its range and then carries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fields {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) microsecond: i64,
}

/// The days from 1970-01-01 to a day: Howard Hinnant's `days_from_civil`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
pub(super) fn epoch_day(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_OF_ERA + day_of_era - EPOCH
}

/// The year, month and day of a day: the inverse of [`epoch_day`].
pub(super) fn date_of(epoch_day: i64) -> (i64, i64, i64) {
    let day = epoch_day + EPOCH;
    let era = day.div_euclid(DAYS_OF_ERA);
    let day = day.rem_euclid(DAYS_OF_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    let next = if month == 12 { epoch_day(year + 1, 1, 1) } else { epoch_day(year, month + 1, 1) };
    next - epoch_day(year, month, 1)
}

/// The day of the week: 0 is Sunday.
pub(super) fn weekday(epoch_day: i64) -> i64 {
    (epoch_day + 4).rem_euclid(7)
}

/// The year and month that a month is, which may be out of range.
pub(super) fn carry_months(year: i64, month: i64) -> (i64, i64) {
    (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1)
}

/// The day of a week by ISO 8601. Weeks and days may be out of range.
pub(super) fn epoch_day_of_iso(iso: IsoDay) -> i64 {
    let first = epoch_day(iso.year, 1, 4);
    let monday = first - (weekday(first) + 6) % 7;
    monday + (iso.week - 1) * 7 + iso.day - 1
}

impl Local {
    /// The local time of seconds and milliseconds since 1970 with an offset.
    pub(super) fn of(seconds: i64, millisecond: i64, offset: i64, daylight: bool) -> Self {
        let local = seconds + offset;
        let (year, month, day) = date_of(local.div_euclid(SECONDS_OF_DAY));
        let second = local.rem_euclid(SECONDS_OF_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        Self { year, month, day, hour, minute, second, millisecond, offset, daylight }
    }

    pub(super) fn epoch_day(&self) -> i64 {
        epoch_day(self.year, self.month, self.day)
    }

    /// The day of the week: 0 is Sunday.
    pub(super) fn weekday(&self) -> i64 {
        weekday(self.epoch_day())
    }

    /// The day of the year, from 1.
    pub(super) fn day_of_year(&self) -> i64 {
        self.epoch_day() - epoch_day(self.year, 1, 1) + 1
    }

    /// The week of the year, which begins on Sundays; days before the first are in week 0.
    pub(super) fn week(&self) -> i64 {
        (self.day_of_year() + 6 - self.weekday()) / 7
    }

    pub(super) fn iso(&self) -> IsoDay {
        let today = self.epoch_day();
        let day = (self.weekday() + 6) % 7 + 1;
        let thursday = today + 4 - day;
        let (year, ..) = date_of(thursday);
        IsoDay { year, week: (thursday - epoch_day(year, 1, 1)) / 7 + 1, day }
    }
}

impl Fields {
    /// The seconds since 1970 as if it were UTC, and the microseconds within the second; `None` if
    /// that is out of the range of numbers.
    pub(super) fn seconds(&self) -> Option<(i64, i64)> {
        let (year, month) = carry_months(self.year, self.month);
        let day = i128::from(epoch_day(year, month, 1)) + i128::from(self.day) - 1;
        let hours = day * 24 + i128::from(self.hour);
        let minutes = hours * 60 + i128::from(self.minute);
        let carried = self.microsecond.div_euclid(1_000_000);
        let seconds = minutes * 60 + i128::from(self.second) + i128::from(carried);
        Some((i64::try_from(seconds).ok()?, self.microsecond.rem_euclid(1_000_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse() {
        for day in (-1_000_000..1_000_000).step_by(97) {
            let (year, month, day_of_month) = date_of(day);
            assert_eq!(epoch_day(year, month, day_of_month), day);
        }
        assert_eq!(date_of(0), (1970, 1, 1));
        assert_eq!(epoch_day(2000, 2, 29), 11_016);
        assert_eq!(date_of(-719_529), (-1, 12, 31));
    }

    #[test]
    fn weeks_are_those_of_iso_8601() {
        let iso = |year, month, day| {
            let local = Local::of(epoch_day(year, month, day) * SECONDS_OF_DAY, 0, 0, false).iso();
            (local.year, local.week, local.day)
        };
        assert_eq!(iso(2016, 1, 1), (2015, 53, 5));
        assert_eq!(iso(2017, 1, 1), (2016, 52, 7));
        assert_eq!(iso(2018, 12, 31), (2019, 1, 1));
        assert_eq!(
            epoch_day_of_iso(IsoDay { year: 2017, week: 53, day: 7 }),
            epoch_day(2018, 1, 7)
        );
    }
}
