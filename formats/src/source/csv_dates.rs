//! Dates in the columns of CSV files, by the layouts of `mongoimport`: an example date, the
//! reference time of Go's `time` package, or the patterns of SQL Server and Oracle.

use std::fmt;

use bson::DateTime;

/// The layout of a column of dates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DateLayout {
    /// The given text.
    text: String,
    items: Vec<Item>,
}

/// A part of a layout.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    /// Literal characters.
    Text(String),
    Year,
    /// Two digits: 69 to 99 are in the last century.
    ShortYear,
    /// Two digits, or one or two.
    Month,
    MonthName,
    ShortMonthName,
    Day,
    WeekdayName,
    ShortWeekdayName,
    Hour,
    Hour12,
    Minute,
    Second,
    Fraction,
    Noon,
    /// An offset from UTC; `Z` as well if true.
    Offset {
        z: bool,
    },
    /// `UTC` or `GMT`.
    Zone,
}

use Item::{
    Day, Fraction, Hour, Hour12, Minute, Month, MonthName, Noon, Second, ShortMonthName,
    ShortWeekdayName, ShortYear, WeekdayName, Year, Zone,
};

/// The elements of Go's layouts, longer ones before their prefixes.
const GO: [(&str, Item); 35] = [
    ("January", MonthName),
    ("Jan", ShortMonthName),
    ("Monday", WeekdayName),
    ("Mon", ShortWeekdayName),
    ("MST", Zone),
    ("2006", Year),
    ("01", Month),
    ("02", Day),
    ("03", Hour12),
    ("04", Minute),
    ("05", Second),
    ("06", ShortYear),
    ("15", Hour),
    ("_2", Day),
    ("1", Month),
    ("2", Day),
    ("3", Hour12),
    ("4", Minute),
    ("5", Second),
    ("PM", Noon),
    ("pm", Noon),
    ("-07:00", Item::Offset { z: false }),
    ("-0700", Item::Offset { z: false }),
    ("-07", Item::Offset { z: false }),
    ("Z07:00", Item::Offset { z: true }),
    ("Z0700", Item::Offset { z: true }),
    ("Z07", Item::Offset { z: true }),
    (".000000000", Fraction),
    (".000000", Fraction),
    (".000", Fraction),
    (".00", Fraction),
    (".999999999", Fraction),
    (".999999", Fraction),
    (".999", Fraction),
    (",000", Fraction),
];

/// The patterns of SQL Server's `FORMAT`.
const MICROSOFT: [(&str, Item); 22] = [
    ("dddd", WeekdayName),
    ("ddd", ShortWeekdayName),
    ("dd", Day),
    ("d", Day),
    ("MMMM", MonthName),
    ("MMM", ShortMonthName),
    ("MM", Month),
    ("M", Month),
    ("hh", Hour12),
    ("h", Hour12),
    ("HH", Hour),
    ("H", Hour),
    ("mm", Minute),
    ("m", Minute),
    ("ss", Second),
    ("s", Second),
    ("tt", Noon),
    ("yyyy", Year),
    ("yyy", Year),
    ("yy", ShortYear),
    ("zzz", Item::Offset { z: false }),
    ("zz", Item::Offset { z: false }),
];

/// The patterns of Oracle's `TO_DATE`, in upper case.
const ORACLE: [(&str, Item); 18] = [
    ("MONTH", MonthName),
    ("MON", ShortMonthName),
    ("DAY", WeekdayName),
    ("DY", ShortWeekdayName),
    ("DD", Day),
    ("HH24", Hour),
    ("HH12", Hour12),
    ("HH", Hour12),
    ("MI", Minute),
    ("MM", Month),
    ("SS", Second),
    ("AM", Noon),
    ("PM", Noon),
    ("TZH:TZM", Item::Offset { z: false }),
    ("TZH", Item::Offset { z: false }),
    ("TZD", Zone),
    ("YYYY", Year),
    ("YY", ShortYear),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl DateLayout {
    pub(super) fn of_go(text: &str) -> Result<Self, String> {
        Self::parse(text, text, &GO, "2006-01-02T15:04:05Z07:00")
    }

    pub(super) fn of_microsoft(text: &str) -> Result<Self, String> {
        Self::parse(text, text, &MICROSOFT, "yyyy-MM-dd HH:mm:ss")
    }

    pub(super) fn of_oracle(text: &str) -> Result<Self, String> {
        Self::parse(text, &text.to_uppercase(), &ORACLE, "YYYY-MM-DD HH24:MI:SS")
    }

    fn parse(
        given: &str,
        layout: &str,
        known: &[(&str, Item)],
        example: &str,
    ) -> Result<Self, String> {
        let (mut items, mut rest) = (Vec::new(), layout);
        while let Some(first) = rest.chars().next() {
            if let Some((name, item)) = known.iter().find(|(name, _)| rest.starts_with(name)) {
                items.push(item.clone());
                rest = &rest[name.len()..];
                continue;
            }
            match items.last_mut() {
                Some(Item::Text(text)) => text.push(first),
                _ => items.push(Item::Text(first.to_string())),
            }
            rest = &rest[first.len_utf8()..];
        }
        let year = items.iter().any(|item| matches!(item, Year | ShortYear));
        if !year {
            return Err(format!("missing layout of a date type, such as date({example})"));
        }
        Ok(Self { text: given.to_owned(), items })
    }

    /// Parses a date, in UTC unless it has another offset; digits beyond milliseconds are dropped.
    /// None if it does not match the layout, or is not a valid day or time.
    pub(super) fn read(&self, text: &str) -> Option<DateTime> {
        let mut date = Parts { month: 1, day: 1, ..Parts::default() };
        let mut rest = text;
        for (index, item) in self.items.iter().enumerate() {
            rest = date.take(item, rest)?;
            // As in Go, seconds may have a fraction that the layout lacks.
            let shown = matches!(self.items.get(index + 1), Some(Fraction));
            if *item == Second && !shown && rest.starts_with(['.', ',']) {
                rest = date.take(&Fraction, rest).unwrap_or(rest);
            }
        }
        if rest.is_empty() { date.date() } else { None }
    }
}

impl fmt::Display for DateLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The parts of a date read so far.
#[derive(Default)]
struct Parts {
    year: i32,
    month: u8,
    day: u8,
    hour: u8,
    /// Whether the time is after noon.
    afternoon: Option<bool>,
    minute: u8,
    second: u8,
    millis: u16,
    /// In minutes, east of UTC.
    offset: i64,
}

impl Parts {
    /// Reads an item from the beginning of `text`, and returns the rest.
    fn take<'a>(&mut self, item: &Item, text: &'a str) -> Option<&'a str> {
        let (number, rest) = match item {
            Item::Text(expected) => return text.strip_prefix(expected.as_str()),
            Year => digits(text, 4, 4)?,
            Fraction => return self.fraction(text),
            MonthName => name(text, &MONTHS, usize::MAX)?,
            ShortMonthName => name(text, &MONTHS, 3)?,
            WeekdayName => name(text, &WEEKDAYS, usize::MAX)?,
            ShortWeekdayName => name(text, &WEEKDAYS, 3)?,
            Noon => name(text, &["AM", "PM"], 2)?,
            Item::Offset { z } => return self.offset(*z, text),
            Zone => return text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")),
            ShortYear => digits(text, 2, 2)?,
            Day => digits(text.strip_prefix(' ').unwrap_or(text), 1, 2)?,
            _ => digits(text, 1, 2)?,
        };
        let small = u8::try_from(number).ok();
        match item {
            Year => self.year = i32::from(number),
            ShortYear => self.year = i32::from(number) + if number >= 69 { 1900 } else { 2000 },
            Month | MonthName | ShortMonthName => self.month = small?,
            Day => self.day = small?,
            Hour | Hour12 => self.hour = small?,
            Minute => self.minute = small?,
            Second => self.second = small?,
            Noon => self.afternoon = Some(number == 2),
            _ => {}
        }
        Some(rest)
    }

    fn fraction<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let text = text.strip_prefix(['.', ','])?;
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, rest) = text.split_at_checked(end).filter(|(number, _)| !number.is_empty())?;
        let thousandths: String = number.chars().chain("00".chars()).take(3).collect();
        self.millis = thousandths.parse().ok()?;
        Some(rest)
    }

    fn offset<'a>(&mut self, z: bool, text: &'a str) -> Option<&'a str> {
        if let Some(rest) = text.strip_prefix('Z').filter(|_| z) {
            return Some(rest);
        }
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let (hours, rest) = digits(text.strip_prefix(['+', '-'])?, 2, 2)?;
        let (minutes, rest) =
            digits(rest.strip_prefix(':').unwrap_or(rest), 2, 2).unwrap_or((0, rest));
        self.offset = sign * (i64::from(hours) * 60 + i64::from(minutes));
        (hours < 24 && minutes < 60).then_some(rest)
    }

    fn date(&self) -> Option<DateTime> {
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        let built = DateTime::builder().year(self.year).month(self.month).day(self.day);
        let built = built.hour(hour).minute(self.minute).second(self.second);
        let built = built.millisecond(self.millis).build().ok()?;
        Some(DateTime::from_millis(built.timestamp_millis() - self.offset * 60_000))
    }
}

/// Reads a number with `least` to `most` digits from the beginning of a text, and returns the rest.
fn digits(text: &str, least: usize, most: usize) -> Option<(u16, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(count).filter(|_| count >= least)?;
    Some((number.parse().ok()?, rest))
}

/// Returns the index, from 1, of the name whose first `letters` letters `text` begins with.
fn name<'a>(text: &'a str, names: &[&str], letters: usize) -> Option<(u16, &'a str)> {
    let mut numbered = (1..).zip(names);
    numbered.find_map(|(number, name)| {
        let (begin, rest) = text.split_at_checked(letters.min(name.len()))?;
        let same = begin.eq_ignore_ascii_case(&name[..begin.len()]);
        same.then_some((number, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_reads(layout: &DateLayout, text: &str, expected: &str) {
        let expected = DateTime::parse_rfc3339_str(expected).unwrap();
        assert_eq!(layout.read(text), Some(expected), "{layout}: {text}");
    }

    #[test]
    fn dates_are_read_by_the_layouts_of_go() {
        let go = |text| DateLayout::of_go(text).unwrap();
        assert_reads(&go("2006-01-02"), "1999-05-04", "1999-05-04T00:00:00Z");
        assert_reads(&go("2006-01-02 15:04:05"), "1999-05-04 23:59:58", "1999-05-04T23:59:58Z");
        assert_reads(
            &go("2006-01-02 15:04:05"),
            "1999-05-04 23:59:58.0129",
            "1999-05-04T23:59:58.012Z",
        );
        assert_reads(&go("Jan _2, 06 3:04PM"), "feb  7, 69 12:05am", "1969-02-07T00:05:00Z");
        assert_reads(&go("2 January 2006"), "29 February 2000", "2000-02-29T00:00:00Z");
        assert_reads(
            &go("Mon Jan 2 15:04:05 -0700 2006"),
            "Tue May 4 01:00:00 +0200 1999",
            "1999-05-03T23:00:00Z",
        );
        assert_reads(
            &go("2006-01-02T15:04:05Z07:00"),
            "1999-05-04T01:02:03Z",
            "1999-05-04T01:02:03Z",
        );
    }

    #[test]
    fn dates_are_read_by_the_patterns_of_sql_server_and_oracle() {
        let microsoft = DateLayout::of_microsoft("dd.MM.yyyy HH:mm").unwrap();
        assert_reads(&microsoft, "04.05.1999 17:30", "1999-05-04T17:30:00Z");
        let oracle = DateLayout::of_oracle("dd-Mon-yyyy hh24:mi:ss").unwrap();
        assert_reads(&oracle, "04-MAY-1999 17:30:01", "1999-05-04T17:30:01Z");
    }

    #[test]
    fn what_is_no_date_of_the_layout_is_refused() {
        let layout = DateLayout::of_go("2006-01-02 15:04").unwrap();
        for text in [
            "",
            "1999-05-04",
            "1999-05-04 17:30 ",
            "1999-02-30 17:30",
            "1999-13-01 17:30",
            "1999-05-04 24:30",
            "99-05-04 17:30",
            "1999-05-04 é",
        ] {
            assert_eq!(layout.read(text), None, "{text}");
        }
        for layout in ["", "15:04", "yyyy-MM-dd"] {
            assert!(DateLayout::of_go(layout).unwrap_err().contains("date(2006"), "{layout}");
        }
    }
}
