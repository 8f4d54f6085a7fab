//! The characters of a text: blanks and comments, strings, names, numbers.

use std::cell::Cell;

use crate::extjson::ExtJsonError;

/// A text, and how far it was read.
pub(super) struct Text<'t> {
    source: &'t str,
    at: usize,
    /// Whether more was expected at the end.
    is_unfinished: Cell<bool>,
}

impl<'t> Text<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { source: text, at: 0, is_unfinished: Cell::new(false) }
    }

    /// The error for a problem at the current place.
    pub(super) fn error(&self, message: impl Into<String>) -> ExtJsonError {
        self.error_at(self.at, message)
    }

    pub(super) fn error_at(&self, at: usize, message: impl Into<String>) -> ExtJsonError {
        let before = &self.source[..at];
        let line = before.matches('\n').count() + 1;
        let column = at - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        ExtJsonError::Syntax { message: message.into(), line, column }
    }

    /// The error for something else than what was expected at the current place.
    pub(super) fn unexpected(&self, expected: &str) -> ExtJsonError {
        match self.peek() {
            Some(found) => self.error(format!("expected {expected}, found {found:?}")),
            None => {
                self.is_unfinished.set(true);
                self.error(format!("expected {expected}, found the end"))
            }
        }
    }

    /// Whether more text may repair the error.
    pub(super) fn is_unfinished(&self) -> bool {
        self.is_unfinished.get()
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.source[self.at..].chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Reads a character, if it is next after blanks.
    pub(super) fn takes(&mut self, wanted: char) -> Result<bool, ExtJsonError> {
        self.skip_blanks()?;
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.next();
        }
        Ok(is_next)
    }

    /// Skips white space and comments.
    pub(super) fn skip_blanks(&mut self) -> Result<(), ExtJsonError> {
        loop {
            let rest = &self.source[self.at..];
            let blanks = rest.len() - rest.trim_start().len();
            self.at += blanks;
            let rest = &rest[blanks..];
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let end = rest.find("*/").ok_or_else(|| self.error("the comment does not end"))?;
                self.at += end + 2;
            } else if blanks == 0 {
                return Ok(());
            }
        }
    }

    /// Reads a name without quotes; `None` if there is none.
    pub(super) fn name(&mut self) -> Option<&'t str> {
        let rest = &self.source[self.at..];
        let first = rest.chars().next()?;
        if !(first.is_alphabetic() || matches!(first, '_' | '$')) {
            return None;
        }
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
            .unwrap_or(rest.len());
        self.at += end;
        Some(&rest[..end])
    }

    /// Reads up to the end of the line or a semicolon.
    pub(super) fn line(&mut self) -> &'t str {
        let rest = &self.source[self.at..];
        let end = rest.find(['\n', ';']).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Whether there is a line break in the blanks before the current place.
    pub(super) fn is_after_line_break(&self) -> bool {
        let before = &self.source[..self.at];
        before[before.trim_end().len()..].contains('\n')
    }

    /// Reads the characters of a number: digits, signs, a point, an exponent.
    pub(super) fn number(&mut self) -> &'t str {
        let rest = &self.source[self.at..];
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_');
        let end = rest.find(|c: char| !allowed(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Reads a string, whose opening quote is next.
    pub(super) fn string(&mut self) -> Result<String, ExtJsonError> {
        let start = self.at;
        let quote = self.next();
        let mut string = String::new();
        loop {
            match self.next() {
                end if end == quote => return Ok(string),
                Some('\\') => self.escape(&mut string)?,
                Some('\n') | None => {
                    return Err(self.error_at(start, "the string does not end on its line"));
                }
                Some(other) => string.push(other),
            }
        }
    }

    fn escape(&mut self, string: &mut String) -> Result<(), ExtJsonError> {
        let start = self.at - 1;
        let escaped = match self.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some('0') if !self.peek().is_some_and(|c| c.is_ascii_digit()) => '\0',
            Some('x') => self.code(2, start)?,
            Some('u') => self.code(4, start)?,
            // A line that is continued.
            Some('\n') => return Ok(()),
            Some(other) if !other.is_ascii_alphanumeric() => other,
            _ => return Err(self.error_at(start, "unknown escape in a string")),
        };
        string.push(escaped);
        Ok(())
    }

    /// Reads a character by its code of this many hex digits; a pair of surrogates is one.
    fn code(&mut self, digits: usize, start: usize) -> Result<char, ExtJsonError> {
        let wrong = |text: &Self| text.error_at(start, "an escape is not the code of a character");
        let high = self.hex(digits).ok_or_else(|| wrong(self))?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| wrong(self));
        }
        if self.next() != Some('\\') || self.next() != Some('u') {
            return Err(wrong(self));
        }
        let low = self.hex(4).filter(|low| (0xDC00..0xE000).contains(low));
        let low = low.ok_or_else(|| wrong(self))?;
        char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
            .ok_or_else(|| wrong(self))
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.source.get(self.at..self.at + digits)?;
        let code = text.chars().all(|c| c.is_ascii_hexdigit()).then_some(text)?;
        self.at += digits;
        u32::from_str_radix(code, 16).ok()
    }

    /// Reads a regular expression, whose opening slash is next, and its flags.
    pub(super) fn regex(&mut self) -> Result<(&'t str, &'t str), ExtJsonError> {
        let start = self.at;
        self.next();
        let (from, mut in_class) = (self.at, false);
        loop {
            match self.next() {
                Some('\\') => drop(self.next()),
                Some('[') => in_class = true,
                Some(']') => in_class = false,
                Some('/') if !in_class => break,
                Some('\n') | None => {
                    return Err(self.error_at(start, "the regular expression does not end"));
                }
                Some(_) => {}
            }
        }
        let pattern = &self.source[from..self.at - 1];
        Ok((pattern, self.name().unwrap_or_default()))
    }
}
