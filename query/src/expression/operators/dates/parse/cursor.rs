//! Numbers, months and zones in a text, read as timelib does: what is looked for may be preceded by
//! other characters.

use super::super::format::MONTHS;
use super::abbreviations::offset_of;
use super::parsed::ParsedZone;

/// The longest abbreviation of a zone, exclusive.
const ABBREVIATION: usize = 6;

/// A position in a text of bytes.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'t> {
    bytes: &'t [u8],
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next byte; 0 at the end, which is also where a NUL is.
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.peek() == 0
    }

    pub(super) fn skip(&mut self) {
        if self.at < self.bytes.len() {
            self.at += 1;
        }
    }

    /// Skips while a condition holds, and returns what was skipped. Stops at the end.
    pub(super) fn take_while(&mut self, holds: impl Fn(u8) -> bool) -> &'t [u8] {
        let start = self.at;
        while !self.is_at_end() && holds(self.peek()) {
            self.at += 1;
        }
        &self.bytes[start..self.at]
    }

    /// The next digits, at most so many, and how many they are.
    pub(super) fn number_and_length(&mut self, most: usize) -> Option<(i64, usize)> {
        self.take_while(|byte| !byte.is_ascii_digit());
        let mut number: i64 = 0;
        let start = self.at;
        while self.at - start < most && self.peek().is_ascii_digit() {
            number = number.saturating_mul(10).saturating_add(i64::from(self.peek() - b'0'));
            self.at += 1;
        }
        (self.at > start).then_some((number, self.at - start))
    }

    /// The next digits, at most so many.
    pub(super) fn number(&mut self, most: usize) -> Option<i64> {
        self.number_and_length(most).map(|(number, _)| number)
    }

    /// The next number with signs, of which each `-` turns it round.
    pub(super) fn signed_number(&mut self, most: usize) -> Option<i64> {
        self.take_while(|byte| !byte.is_ascii_digit() && byte != b'+' && byte != b'-');
        let signs = self.take_while(|byte| byte == b'+' || byte == b'-');
        let minus = signs.iter().fold(false, |minus, sign| minus != (*sign == b'-'));
        let number = self.number(most)?;
        Some(if minus { -number } else { number })
    }

    /// A year of up to four digits; one of fewer that is less than 70 is of this century, and one of
    /// up to 99 of the last.
    pub(super) fn year(&mut self, most: usize) -> Option<i64> {
        let (year, length) = self.number_and_length(most)?;
        Some(match year {
            year if length >= 4 || year >= 100 => year,
            year if year < 70 => year + 2000,
            year => year + 1900,
        })
    }

    /// The microseconds of a fraction that begins with `.` or `:`.
    pub(super) fn fraction(&mut self) -> Option<i64> {
        self.take_while(|byte| byte != b'.' && byte != b':');
        self.skip();
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return None;
        }
        let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(6);
        Some(padded.fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// The month of the next word; `None` if the word is not one.
    pub(super) fn month(&mut self) -> Option<i64> {
        const ROMAN: [&str; 12] =
            ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"];
        let word = self.take_while(|byte| byte.is_ascii_alphabetic()).to_ascii_lowercase();
        let word = std::str::from_utf8(&word).ok()?;
        (1..).zip(MONTHS.iter().zip(ROMAN)).find_map(|(number, (name, roman))| {
            let name = name.to_ascii_lowercase();
            let abbreviated = word == &name[..3] || (word == "sept" && number == 9);
            (word == name || abbreviated || word == roman).then_some(number)
        })
    }

    /// The month of the next word after separators.
    pub(super) fn month_after_separators(&mut self) -> Option<i64> {
        self.take_while(|byte| b" \t-./".contains(&byte));
        self.month()
    }

    /// Skips `st`, `nd`, `rd` or `th`.
    pub(super) fn skip_day_suffix(&mut self) {
        let next = self.bytes.get(self.at..self.at + 2).unwrap_or_default();
        let suffixes: [&[u8]; 4] = [b"st", b"nd", b"rd", b"th"];
        if suffixes.iter().any(|suffix| next.eq_ignore_ascii_case(suffix)) {
            self.at += 2;
        }
    }

    /// The hours to add for `am` or `pm`, in any of its forms.
    pub(super) fn meridian(&mut self, hour: i64) -> i64 {
        self.take_while(|byte| !b"AaPp".contains(&byte));
        let is_morning = self.peek().eq_ignore_ascii_case(&b'a');
        self.take_while(|byte| b"AaPpMm.".contains(&byte));
        match (is_morning, hour) {
            (true, 12) => -12,
            (false, hour) if hour != 12 => 12,
            _ => 0,
        }
    }

    /// An offset or the abbreviation of a zone, in parentheses or not.
    pub(super) fn zone(&mut self) -> Option<ParsedZone> {
        let open = self.take_while(|byte| b" \t(".contains(&byte));
        let closing = open.iter().filter(|byte| **byte == b'(');
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(b"GMT+") || rest.starts_with(b"GMT-") {
            self.at += 3;
        }
        let zone = match self.peek() {
            sign @ (b'+' | b'-') => {
                self.skip();
                let seconds = self.correction()?;
                let offset = if sign == b'-' { -seconds } else { seconds };
                ParsedZone { offset, abbreviation: None }
            }
            _ => {
                let word =
                    self.take_while(|byte| byte.is_ascii_alphanumeric() || b"/_-+".contains(&byte));
                let word = std::str::from_utf8(word).ok()?;
                let offset = Some(word).filter(|word| word.len() < ABBREVIATION);
                let offset = offset.and_then(offset_of)?;
                ParsedZone { offset, abbreviation: Some(word.to_uppercase()) }
            }
        };
        for _ in closing {
            if self.peek() == b')' {
                self.skip();
            }
        }
        Some(zone)
    }

    /// The seconds of `H`, `HH`, `H:M`, `HHMM`, `HH:MM`, `HHMMSS` and the like.
    fn correction(&mut self) -> Option<i64> {
        let text = self.take_while(|byte| byte.is_ascii_digit() || byte == b':');
        let text = std::str::from_utf8(text).ok()?;
        let number = |text: &str| -> Option<i64> {
            if text.is_empty() { Some(0) } else { text.parse().ok() }
        };
        let parts: Vec<_> = text.split(':').collect();
        Some(match (text.len(), parts.as_slice()) {
            (1 | 2, [hours]) => number(hours)? * 3600,
            (3..=5, [hours, minutes]) => number(hours)? * 3600 + number(minutes)? * 60,
            (3 | 4, [digits]) => {
                let digits = number(digits)?;
                digits / 100 * 3600 + digits % 100 * 60
            }
            (6, [digits]) => {
                let digits = number(digits)?;
                digits / 10_000 * 3600 + digits / 100 % 100 * 60 + digits % 100
            }
            (8, [hours, minutes, seconds]) => {
                number(hours)? * 3600 + number(minutes)? * 60 + number(seconds)?
            }
            _ => return None,
        })
    }

    /// The seconds of an offset in minutes with a sign.
    pub(super) fn offset_in_minutes(&mut self) -> Option<i64> {
        let sign = match self.peek() {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.skip();
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let minutes = std::str::from_utf8(digits).ok()?;
        let minutes = if minutes.is_empty() { 0 } else { minutes.parse().unwrap_or(i64::MAX) };
        Some(sign * minutes.min(i64::from(i32::MAX)) * 60)
    }
}
