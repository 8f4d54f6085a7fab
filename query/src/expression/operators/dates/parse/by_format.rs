//! Reads a date by a format: timelib's `timelib_parse_from_format_with_map`.

use super::super::calendar::{IsoDay, date_of, epoch_day, epoch_day_of_iso};
use super::Problems;
use super::cursor::Cursor;
use super::parsed::{Parsed, ParsedZone};

/// A text that is read by a format.
struct Reader<'t> {
    text: Cursor<'t>,
    parsed: Parsed,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    iso_day: Option<i64>,
    problems: Problems,
}

/// Reads a text by a format with known specifiers.
pub(super) fn parse(text: &str, format: &str) -> Result<Parsed, Problems> {
    let mut reader = Reader {
        text: Cursor::new(text.as_bytes()),
        parsed: Parsed::default(),
        iso_year: None,
        iso_week: None,
        iso_day: None,
        problems: Vec::new(),
    };
    let mut format = Cursor::new(format.as_bytes());
    while !format.is_at_end() && !reader.text.is_at_end() {
        let next = format.peek();
        format.skip();
        if next != b'%' {
            reader.literal(next);
            continue;
        }
        let specifier = format.peek();
        if specifier == b'%' {
            reader.literal(b'%');
        } else {
            let begin = reader.text.at;
            if let Err(problem) = reader.specified(specifier) {
                reader.report_at(begin, problem);
            }
        }
        format.skip();
    }
    if !reader.text.is_at_end() {
        reader.report("Trailing data");
    }
    if !format.is_at_end() {
        reader.report("Not enough data available to satisfy format");
    }
    reader.finish()
}

impl Reader<'_> {
    fn report(&mut self, problem: &str) {
        self.report_at(self.text.at, problem);
    }

    fn report_at(&mut self, at: usize, problem: &str) {
        self.problems.push(format!("{at}: {problem}"));
    }

    fn literal(&mut self, literal: u8) {
        if self.text.peek() != literal {
            self.report("Format literal not found");
        }
        self.text.skip();
    }

    /// A number that begins here.
    fn number(&mut self, most: usize) -> Result<(i64, usize), &'static str> {
        if !self.text.peek().is_ascii_digit() {
            return Err("Unexpected data found.");
        }
        self.text.number_and_length(most).ok_or("Unexpected data found.")
    }

    fn two_digits(&mut self, problem: &'static str) -> Result<i64, &'static str> {
        match self.number(2)? {
            (number, 2) => Ok(number),
            _ => Err(problem),
        }
    }

    fn specified(&mut self, specifier: u8) -> Result<(), &'static str> {
        match specifier {
            b'Y' => self.parsed.year = Some(self.number(4)?.0),
            b'm' => self.parsed.month = Some(self.number(2)?.0),
            b'd' => self.parsed.day = Some(self.number(2)?.0),
            b'H' => self.parsed.hour = Some(self.number(2)?.0),
            b'M' => {
                let minute = self.two_digits("A two digit minute could not be found")?;
                self.parsed.minute = Some(minute);
            }
            b'S' => {
                let second = self.two_digits("A two digit second could not be found")?;
                self.parsed.second = Some(second);
            }
            b'L' => {
                let (number, length) = self.number(3)?;
                let unit = [100_000, 10_000, 1000][length - 1];
                self.parsed.microsecond = Some(number * unit);
            }
            b'b' | b'B' => {
                let month = self.text.month().ok_or("A textual month could not be found")?;
                self.parsed.month = Some(month);
            }
            b'j' => self.day_of_year()?,
            b'G' => {
                let year = self.text.number(4);
                self.iso_year = Some(year.ok_or("A four digit ISO year could not be found")?);
            }
            b'V' => {
                let week = self.text.number(2).ok_or("A two digit ISO week could not be found")?;
                self.iso_week = Some(week);
                if !(1..=53).contains(&week) {
                    return Err("ISO Week must be between 1 and 53");
                }
            }
            b'u' => {
                let day =
                    self.text.number(1).ok_or("A single digit day of week could not be found")?;
                self.iso_day = Some(day);
                if !(1..=7).contains(&day) {
                    return Err("Day of week must be between 1 and 7");
                }
            }
            b'z' => {
                let zone = self
                    .text
                    .zone()
                    .ok_or("passing a time zone identifier as part of the string is not allowed")?;
                self.parsed.zone = Some(zone);
            }
            _ => {
                let offset = self.text.offset_in_minutes();
                let offset = offset.ok_or("Invalid timezone offset in minutes")?;
                self.parsed.zone = Some(ParsedZone { offset, abbreviation: None });
            }
        }
        Ok(())
    }

    /// A day of the year, which timelib counts from 0.
    fn day_of_year(&mut self) -> Result<(), &'static str> {
        let Some(year) = self.parsed.year else {
            return Err("A 'day of year' can only come after a year has been found");
        };
        let (day, _) = self.number(3)?;
        let (year, month, day) = date_of(epoch_day(year, 1, 1) + day);
        (self.parsed.year, self.parsed.month, self.parsed.day) =
            (Some(year), Some(month), Some(day));
        Ok(())
    }

    fn finish(mut self) -> Result<Parsed, Problems> {
        let parsed = &mut self.parsed;
        let time = [parsed.hour, parsed.minute, parsed.second, parsed.microsecond];
        if time.iter().any(Option::is_some) {
            for part in
                [&mut parsed.hour, &mut parsed.minute, &mut parsed.second, &mut parsed.microsecond]
            {
                part.get_or_insert(0);
            }
        }
        self.resolve_iso_day();
        if self.parsed.has_invalid_time() {
            self.report("The parsed time was invalid");
        }
        if self.parsed.has_invalid_date() {
            self.report("The parsed date was invalid");
        }
        if self.problems.is_empty() { Ok(self.parsed) } else { Err(self.problems) }
    }

    /// Makes the day of a week by ISO 8601 the date.
    fn resolve_iso_day(&mut self) {
        let Parsed { year, month, day, .. } = self.parsed;
        let has_iso = [self.iso_year, self.iso_week, self.iso_day].iter().any(Option::is_some);
        let has_natural =
            year.is_some() || (self.iso_year.is_some() && (month.is_some() || day.is_some()));
        if has_iso && has_natural {
            self.report("Mixing of ISO dates with natural dates is not allowed");
        }
        match self.iso_year {
            Some(year) => {
                let (week, day) = (self.iso_week.unwrap_or(1), self.iso_day.unwrap_or(1));
                let (year, month, day) = date_of(epoch_day_of_iso(IsoDay { year, week, day }));
                (self.parsed.year, self.parsed.month, self.parsed.day) =
                    (Some(year), Some(month), Some(day));
            }
            None if has_iso => self.report("The parsed date was invalid"),
            None => {}
        }
    }
}
