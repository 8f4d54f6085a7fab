//! Numbers of text, as `$convert` reads them (the server's `NumberParser`).

use std::fmt;

use super::{Decimal, DecimalError};

/// Why a text is not a number of the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseError {
    /// There are no characters.
    Empty,
    /// There are no digits of an integer.
    NoDigits,
    /// An integer out of range.
    Overflow,
    /// The text does not begin with a number.
    NoNumber,
    /// More follows the number.
    Rest,
    /// A double out of range.
    OutOfRange,
    /// Not a decimal, or one that is out of range.
    Decimal(DecimalError),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty string"),
            Self::NoDigits => f.write_str("No digits"),
            Self::Overflow => f.write_str("Overflow"),
            Self::NoNumber => f.write_str("Did not consume any digits"),
            Self::Rest => f.write_str("Did not consume whole string."),
            Self::OutOfRange => f.write_str("Out of range"),
            Self::Decimal(DecimalError::Overflow) => {
                f.write_str("Conversion from string to decimal would overflow")
            }
            Self::Decimal(DecimalError::Underflow) => {
                f.write_str("Conversion from string to decimal would underflow")
            }
            Self::Decimal(DecimalError::Malformed) => {
                f.write_str("Failed to parse string to decimal")
            }
        }
    }
}

/// Reads an `int`: digits after a sign, and nothing else.
///
/// # Errors
/// If the text is something else, or out of range.
pub fn parse_int(text: &str) -> Result<i32, ParseError> {
    i32::try_from(parse_long(text)?).map_err(|_| ParseError::Overflow)
}

/// Reads a `long`: digits after a sign, and nothing else.
///
/// # Errors
/// If the text is something else, or out of range.
pub fn parse_long(text: &str) -> Result<i64, ParseError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() {
        return Err(ParseError::NoDigits);
    }
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(ParseError::Rest);
    }
    text.parse().map_err(|_| ParseError::Overflow)
}

/// Reads a `double`: a decimal number, `inf`, `infinity` or `nan` of any case.
///
/// # Errors
/// If the text is something else, or out of range.
pub fn parse_double(text: &str) -> Result<f64, ParseError> {
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    let number: f64 = text.parse().map_err(|_| {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let begins = unsigned.strip_prefix('.').unwrap_or(unsigned);
        if begins.starts_with(|digit: char| digit.is_ascii_digit()) {
            ParseError::Rest
        } else {
            ParseError::NoNumber
        }
    })?;
    let names = text.bytes().any(|byte| matches!(byte, b'n' | b'N'));
    let zero = !text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).any(is_significant);
    // The C function that the server calls reports a loss of digits by underflow too.
    let is_out_of_range =
        (number.is_infinite() && !names) || (number.abs() < f64::MIN_POSITIVE && !zero);
    if is_out_of_range { Err(ParseError::OutOfRange) } else { Ok(number) }
}

fn is_significant(byte: u8) -> bool {
    matches!(byte, b'1'..=b'9')
}

/// Reads a `decimal`. More than 34 digits are rounded.
///
/// # Errors
/// If the text is something else, or out of range.
pub fn parse_decimal(text: &str) -> Result<Decimal, ParseError> {
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    Decimal::parse(text).map_err(ParseError::Decimal)
}
