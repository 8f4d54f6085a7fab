//! Decimals in text: how MongoDB reads and writes them.

use std::fmt::{self, Write};

use decmathlib_rs::d128::{StatusFlags, d128};

use super::decimal::{DIGITS, Decimal, Parts};

/// What went wrong in reading a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalError {
    /// The text is not a number.
    Malformed,
    /// The number is too large.
    Overflow,
    /// The number is too small.
    Underflow,
}

impl Decimal {
    /// Reads a decimal: digits with a point and an exponent, `inf`, `infinity` or `nan`, of any
    /// case, after a sign. More than 34 digits are rounded.
    ///
    /// # Errors
    /// If the text is something else, or the number is out of range.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if ["inf", "infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name)) {
            return Ok(Self::infinity(negative));
        }
        if unsigned.eq_ignore_ascii_case("nan") {
            return Ok(if negative { Self::nan().negate() } else { Self::nan() });
        }
        let digits = Digits::parse(unsigned).ok_or(DecimalError::Malformed)?;
        match digits.round(negative) {
            (_, Some(error)) => Err(error),
            (number, None) => Ok(number),
        }
    }
}

/// The digits of a decimal in text.
pub(crate) struct Digits {
    /// The digits without leading zeros.
    digits: String,
    /// The exponent of the last digit.
    exponent: i64,
}

impl Digits {
    /// Digits, of which the last has this exponent.
    pub(crate) fn new(mut digits: String, exponent: i64) -> Self {
        let zeros = digits.bytes().take_while(|digit| *digit == b'0').count();
        digits.drain(..zeros);
        Self { digits, exponent }
    }

    fn parse(text: &str) -> Option<Self> {
        let (coefficient, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = coefficient.split_once('.').unwrap_or((coefficient, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        Some(Self::new(digits, exponent - i64::try_from(fraction.len()).ok()?))
    }

    /// The nearest decimal, and what is wrong with it.
    pub(crate) fn round(mut self, negative: bool) -> (Decimal, Option<DecimalError>) {
        // Beyond this a digit matters only by not being zero.
        const ENOUGH: usize = DIGITS + 2;
        /// More than the range of exponents on either side, so that sums do not overflow.
        const FAR: i64 = 20_000;
        if self.digits.is_empty() {
            let exponent = self.exponent.clamp(-6176, 6111);
            let exponent = i32::try_from(exponent).unwrap_or_default();
            return (Decimal::from_parts(Parts { negative, coefficient: 0, exponent }), None);
        }
        if let Some(dropped) = self.digits.len().checked_sub(ENOUGH).filter(|count| *count > 0) {
            let rest = self.digits.split_off(ENOUGH);
            self.exponent += i64::try_from(dropped).unwrap_or(i64::MAX / 2);
            if rest.bytes().any(|digit| digit != b'0') {
                self.digits.push('1');
                self.exponent -= 1;
            }
        }
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{}E{}", self.digits, self.exponent.clamp(-FAR, FAR));
        let mut flags = 0;
        let number = d128::convert_from_decimal_character(&text, None, &mut flags);
        let error = if flags & StatusFlags::BID_OVERFLOW_EXCEPTION != 0 {
            Some(DecimalError::Overflow)
        } else if flags & StatusFlags::BID_UNDERFLOW_EXCEPTION != 0 {
            Some(DecimalError::Underflow)
        } else {
            None
        };
        (Decimal::from_library(number), error)
    }
}

/// Reads an exponent. One out of range saturates.
fn exponent(text: &str) -> Option<i64> {
    const FAR: i64 = 1_000_000_000;
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().unwrap_or(FAR).min(FAR);
    Some(if negative { -number } else { number })
}

/// The text that MongoDB gives: digits, with an exponent if it is above zero, or if the number is
/// below 10^-6.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parts) = self.parts() else {
            return f.write_str(match (self.is_nan(), self.is_negative()) {
                (true, _) => "NaN",
                (false, true) => "-Infinity",
                (false, false) => "Infinity",
            });
        };
        if parts.negative {
            f.write_char('-')?;
        }
        let digits = parts.coefficient.to_string();
        let length = i32::try_from(digits.len()).unwrap_or_default();
        let adjusted = parts.exponent + length - 1;
        if parts.exponent > 0 || adjusted < -6 {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            let sign = if adjusted > 0 { "+" } else { "" };
            return write!(f, "{first}{point}{rest}E{sign}{adjusted}");
        }
        match usize::try_from(-parts.exponent).unwrap_or_default() {
            0 => f.write_str(&digits),
            places if places < digits.len() => {
                let (whole, fraction) = digits.split_at(digits.len() - places);
                write!(f, "{whole}.{fraction}")
            }
            places => write!(f, "0.{digits:0>places$}"),
        }
    }
}
