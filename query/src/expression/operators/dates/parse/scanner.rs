//! Reads a text that has a date in any form.

use super::super::arguments::WEEKDAYS;
use super::super::calendar::{IsoDay, epoch_day, epoch_day_of_iso};
use super::Problems;
use super::cursor::Cursor;
use super::forms::{Form, longest};
use super::parsed::{Parsed, ParsedZone, Weekday, WeekdayKind};

/// The words for a number of units.
const ORDINALS: [(&str, i64); 17] = [
    ("first", 1),
    ("next", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("fifth", 5),
    ("sixth", 6),
    ("seventh", 7),
    ("eight", 8),
    ("eighth", 8),
    ("ninth", 9),
    ("tenth", 10),
    ("eleventh", 11),
    ("twelfth", 12),
    ("last", -1),
    ("previous", -1),
    ("this", 0),
];

/// A problem, in timelib's words.
type Problem = &'static str;

const NO_ZONE: Problem = "passing a time zone identifier as part of the string is not allowed";

/// What was read so far.
#[derive(Default)]
struct Scanner {
    parsed: Parsed,
    has_date: bool,
    /// 2 after digits that are a year because there was a time.
    times: u8,
    has_zone: bool,
}

/// Reads a text. Each part, such as the date, may be there once.
pub(super) fn parse(text: &str) -> Result<Parsed, Problems> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
    if text.is_empty() {
        return Err(vec!["0: Empty string".to_owned()]);
    }
    // Some forms end with a NUL, as C's strings do.
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    let mut scanner = Scanner::default();
    let mut problems = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let Some((form, end)) = longest(&bytes, at).filter(|(_, end)| *end > at) else {
            problems.push(format!("{at}: Unexpected character"));
            break;
        };
        if let Err(problem) = scanner.read(form, &mut Cursor::new(&bytes[at..end])) {
            problems.push(format!("{at}: {problem} '{}'", char::from(bytes[at])));
        }
        at = end;
    }
    let parsed = scanner.parsed;
    if scanner.times > 0 && parsed.has_invalid_time() {
        problems.push(format!("{at}: The parsed time was invalid"));
    }
    if scanner.has_date && parsed.has_invalid_date() {
        problems.push(format!("{at}: The parsed date was invalid"));
    }
    if problems.is_empty() { Ok(parsed) } else { Err(problems) }
}

impl Scanner {
    fn read(&mut self, form: Form, text: &mut Cursor<'_>) -> Result<(), Problem> {
        match form {
            Form::Separator | Form::Now => Ok(()),
            Form::Other => Err("Unexpected character"),
            Form::Yesterday | Form::Tomorrow | Form::Midnight | Form::Noon => {
                self.named_day(form);
                Ok(())
            }
            Form::Timestamp | Form::TimestampWithFraction => self.timestamp(form, text),
            Form::Time12 | Form::TimeOfSqlServer => self.time12(text),
            Form::Time24 => self.time24(text),
            Form::HourMinute => self.hour_minute(text),
            Form::HourMinuteSecond => {
                self.begin_time()?;
                self.set_time(text.number(2), text.number(2), text.number(2));
                Ok(())
            }
            Form::DateTime | Form::CommonLog => self.date_time(form, text),
            Form::MonthDayTime12 | Form::MonthDayTime => self.month_day_time(form, text),
            Form::Zone => self.zone(text),
            Form::Year => {
                self.parsed.year = text.number(4);
                Ok(())
            }
            Form::Ago => {
                self.turn_round();
                Ok(())
            }
            Form::DayText => {
                self.unset_time();
                let day = weekday_of(text).ok_or("Unexpected character")?;
                let known = self.parsed.weekday.map(|weekday| weekday.kind);
                let kind = known.filter(|kind| *kind == WeekdayKind::OfWeek);
                let kind = kind.unwrap_or(WeekdayKind::From);
                self.parsed.weekday = Some(Weekday { day, kind });
                Ok(())
            }
            Form::RelativeText | Form::RelativeWeek | Form::Relative => self.relative(form, text),
            _ => self.date(form, text),
        }
    }

    fn begin_date(&mut self) -> Result<(), Problem> {
        if std::mem::replace(&mut self.has_date, true) {
            return Err("Double date specification");
        }
        Ok(())
    }

    fn begin_time(&mut self) -> Result<(), Problem> {
        if self.times > 0 {
            return Err("Double time specification");
        }
        self.times = 1;
        self.set_time(Some(0), None, None);
        Ok(())
    }

    fn unset_time(&mut self) {
        self.times = 0;
        self.set_time(Some(0), None, None);
    }

    fn set_time(&mut self, hour: Option<i64>, minute: Option<i64>, second: Option<i64>) {
        self.parsed.hour = hour;
        self.parsed.minute = Some(minute.unwrap_or(0));
        self.parsed.second = Some(second.unwrap_or(0));
        self.parsed.microsecond = Some(0);
    }

    fn set_date(&mut self, year: Option<i64>, month: Option<i64>, day: Option<i64>) {
        (self.parsed.year, self.parsed.month, self.parsed.day) = (year, month, day);
    }

    fn named_day(&mut self, form: Form) {
        self.unset_time();
        match form {
            Form::Yesterday => self.parsed.relative.day = -1,
            Form::Tomorrow => self.parsed.relative.day = 1,
            Form::Noon => {
                self.times = 1;
                self.parsed.hour = Some(12);
            }
            _ => {}
        }
    }

    fn timestamp(&mut self, form: Form, text: &mut Cursor<'_>) -> Result<(), Problem> {
        self.has_date = false;
        self.unset_time();
        self.begin_zone()?;
        let mut before = text.clone();
        let seconds = text.signed_number(24).ok_or("Found unexpected data")?;
        self.set_date(Some(1970), Some(1), Some(1));
        let relative = &mut self.parsed.relative;
        relative.second = relative.second.saturating_add(seconds);
        if form == Form::TimestampWithFraction {
            before.skip();
            let micros = text.fraction().unwrap_or(0);
            relative.microsecond = if before.peek() == b'-' { -micros } else { micros };
        }
        self.parsed.zone = Some(ParsedZone { offset: 0, abbreviation: None });
        Ok(())
    }

    fn time12(&mut self, text: &mut Cursor<'_>) -> Result<(), Problem> {
        self.begin_time()?;
        self.clock(text);
        self.add_meridian(text);
        Ok(())
    }

    /// An hour, and a minute, a second and a fraction if they are there.
    fn clock(&mut self, text: &mut Cursor<'_>) {
        let separated = |text: &Cursor<'_>| matches!(text.peek(), b':' | b'.');
        let hour = text.number(2);
        let minute = if separated(text) { text.number(2) } else { None };
        let second = if separated(text) { text.number(2) } else { None };
        self.set_time(hour, minute, second);
        if separated(text) {
            self.parsed.microsecond = Some(text.fraction().unwrap_or(0));
        }
    }

    fn add_meridian(&mut self, text: &mut Cursor<'_>) {
        let hour = self.parsed.hour.unwrap_or(0);
        self.parsed.hour = Some(hour + text.meridian(hour));
    }

    fn time24(&mut self, text: &mut Cursor<'_>) -> Result<(), Problem> {
        self.begin_time()?;
        self.clock(text);
        Ok(())
    }

    /// Four digits are a time first, and then a year.
    fn hour_minute(&mut self, text: &mut Cursor<'_>) -> Result<(), Problem> {
        match self.times {
            0 => {
                let (hour, minute) = (text.number(2), text.number(2));
                let micros = self.parsed.microsecond;
                self.set_time(hour, minute, None);
                self.parsed.microsecond = micros;
            }
            1 => self.parsed.year = text.number(4),
            _ => return Err("Double time specification"),
        }
        self.times += 1;
        Ok(())
    }

    fn date(&mut self, form: Form, text: &mut Cursor<'_>) -> Result<(), Problem> {
        self.begin_date()?;
        let (year, month, day) = match form {
            Form::American => {
                let (month, day) = (text.number(2), text.number(2));
                let year = if text.peek() == b'/' { text.year(4) } else { self.parsed.year };
                (year, month, day)
            }
            Form::IsoDate => (text.signed_number(19), text.number(2), text.number(2)),
            Form::ShortIsoDate => (text.year(4), text.number(2), text.number(2)),
            Form::YearMonth => (text.year(4), text.number(2), Some(1)),
            Form::DateFull => {
                let day = text.number(2);
                text.skip_day_suffix();
                let month = text.month_after_separators();
                (text.year(4), month, day)
            }
            Form::PointedDate | Form::ShortPointedDate => {
                let (day, month) = (text.number(2), text.number(2));
                (text.year(4), month, day)
            }
            Form::MonthYear => {
                let month = text.month_after_separators();
                (text.year(4), month, Some(1))
            }
            Form::YearMonthText => {
                let year = text.year(4);
                (year, text.month_after_separators(), Some(1))
            }
            Form::MonthDayYear | Form::MonthDayYearShort => {
                let month = text.month_after_separators();
                let day = text.number(2);
                (text.year(4), month, day)
            }
            Form::DayMonth => {
                let day = text.number(2);
                text.skip_day_suffix();
                (self.parsed.year, text.month_after_separators(), day)
            }
            Form::YearMonthDayText => {
                let year = text.year(4);
                let month = text.month_after_separators();
                (year, month, text.number(2))
            }
            Form::Digits => (text.number(4), text.number(2), text.number(2)),
            Form::YearDay => (text.year(4), Some(1), text.number(3)),
            Form::Month => (self.parsed.year, text.month(), self.parsed.day),
            _ => self.iso_week(form, text),
        };
        self.set_date(year, month, day);
        Ok(())
    }

    /// The first of January, with what the day of the week is after that as a relative part.
    fn iso_week(
        &mut self,
        form: Form,
        text: &mut Cursor<'_>,
    ) -> (Option<i64>, Option<i64>, Option<i64>) {
        let (year, week) = (text.number(4).unwrap_or(0), text.number(2).unwrap_or(1));
        let day = if form == Form::IsoWeekDay { text.number(1).unwrap_or(1) } else { 1 };
        self.parsed.relative.day =
            epoch_day_of_iso(IsoDay { year, week, day }) - epoch_day(year, 1, 1);
        (Some(year), Some(1), Some(1))
    }

    fn date_time(&mut self, form: Form, text: &mut Cursor<'_>) -> Result<(), Problem> {
        self.begin_time()?;
        self.begin_date()?;
        if form == Form::CommonLog {
            let day = text.number(2);
            let month = text.month_after_separators();
            self.set_date(text.number(4), month, day);
        } else {
            self.set_date(text.number(4), text.number(2), text.number(2));
        }
        self.set_time(text.number(2), text.number(2), text.number(2));
        if form == Form::DateTime && text.peek() == b'.' {
            self.parsed.microsecond = text.fraction();
        }
        if text.is_at_end() {
            return Ok(());
        }
        self.parsed.zone = Some(text.zone().ok_or(NO_ZONE)?);
        Ok(())
    }

    fn month_day_time(&mut self, form: Form, text: &mut Cursor<'_>) -> Result<(), Problem> {
        self.begin_date()?;
        self.parsed.month = text.month_after_separators();
        self.parsed.day = text.number(2);
        self.begin_time()?;
        self.clock(text);
        if form == Form::MonthDayTime12 {
            self.add_meridian(text);
        } else if !text.is_at_end() {
            self.parsed.zone = Some(text.zone().ok_or(NO_ZONE)?);
        }
        Ok(())
    }

    fn begin_zone(&mut self) -> Result<(), Problem> {
        if std::mem::replace(&mut self.has_zone, true) {
            return Err("Double timezone specification");
        }
        Ok(())
    }

    fn zone(&mut self, text: &mut Cursor<'_>) -> Result<(), Problem> {
        self.begin_zone()?;
        self.parsed.zone = Some(text.zone().ok_or(NO_ZONE)?);
        Ok(())
    }

    /// What was added is subtracted.
    fn turn_round(&mut self) {
        let by = &mut self.parsed.relative;
        for field in
            [&mut by.year, &mut by.month, &mut by.day, &mut by.hour, &mut by.minute, &mut by.second]
        {
            *field = field.saturating_neg();
        }
        if let Some(weekday) = &mut self.parsed.weekday {
            weekday.day = if weekday.day == 0 { -7 } else { -weekday.day };
        }
    }

    /// A number or a word, and a unit.
    fn relative(&mut self, form: Form, text: &mut Cursor<'_>) -> Result<(), Problem> {
        let (amount, kind) = if form == Form::Relative {
            (text.signed_number(24).ok_or("Found unexpected data")?, WeekdayKind::From)
        } else {
            let word = word_of(text);
            let known = ORDINALS.iter().find(|(known, _)| *known == word);
            let kind = if word == "this" { WeekdayKind::From } else { WeekdayKind::After };
            (known.map_or(0, |(_, amount)| *amount), kind)
        };
        text.take_while(|byte| byte.is_ascii_whitespace() || !byte.is_ascii());
        let mut after = text.clone();
        let unit = word_of(text);
        if let Some(day) = weekday_of(&mut after) {
            self.parsed.weekday = Some(Weekday { day, kind });
            if form == Form::RelativeText {
                self.unset_time();
            }
            let weeks = if amount > 0 { amount - 1 } else { amount };
            let days = &mut self.parsed.relative.day;
            *days = days.saturating_add(weeks.saturating_mul(7));
            return Ok(());
        }
        let by = &mut self.parsed.relative;
        let (field, multiplier) = match unit.trim_end_matches('s') {
            "m" | "msec" | "millisecond" => (&mut by.microsecond, 1000),
            "usec" | "microsecond" => (&mut by.microsecond, 1),
            "sec" | "second" => (&mut by.second, 1),
            "min" | "minute" => (&mut by.minute, 1),
            "hour" => (&mut by.hour, 1),
            "day" => (&mut by.day, 1),
            "week" => {
                if form == Form::RelativeWeek {
                    let day = self.parsed.weekday.map_or(1, |weekday| weekday.day);
                    self.parsed.weekday = Some(Weekday { day, kind: WeekdayKind::OfWeek });
                }
                (&mut by.day, 7)
            }
            "fortnight" | "forthnight" => (&mut by.day, 14),
            "month" => (&mut by.month, 1),
            _ => (&mut by.year, 1),
        };
        *field = field.saturating_add(amount.saturating_mul(multiplier));
        Ok(())
    }
}

fn word_of(text: &mut Cursor<'_>) -> String {
    let word = text.take_while(|byte| byte.is_ascii_alphabetic());
    String::from_utf8_lossy(word).to_ascii_lowercase()
}

/// The day of the week of the next word; 0 is Sunday.
fn weekday_of(text: &mut Cursor<'_>) -> Option<i64> {
    let word = word_of(text);
    let is = |day: &str| word == day || word.strip_suffix('s') == Some(day) || word == day[..3];
    (0..).zip(WEEKDAYS).find_map(|(number, day)| is(day).then_some(number))
}
