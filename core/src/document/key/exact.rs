//! Compares numbers of all four BSON types by their exact mathematical value.
//!
//! Every finite number is coefficient × 2^twos × 10^tens. If logarithms do not decide, both are
//! scaled to integers of arbitrary size, which are implemented here.

use std::{cmp::Ordering, f64::consts::LOG2_10};

use bson::RawBsonRef;

use super::decimal::Decimal;

/// A number of a BSON type. The derived order of the variants is MongoDB's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Number {
    NaN,
    NegativeInfinity,
    Finite(Finite),
    Infinity,
}

impl Number {
    /// Converts a value to a number; `None` for a value of another type.
    pub(super) fn of(value: RawBsonRef<'_>) -> Option<Self> {
        match value {
            RawBsonRef::Int32(integer) => Some(Self::Finite(Finite::from_integer(integer.into()))),
            RawBsonRef::Int64(integer) => Some(Self::Finite(Finite::from_integer(integer))),
            RawBsonRef::Double(double) => Some(Self::from_double(double)),
            RawBsonRef::Decimal128(decimal) => Some(Self::from_decimal(decimal.into())),
            _ => None,
        }
    }

    fn from_double(double: f64) -> Self {
        if double.is_nan() {
            Self::NaN
        } else if double.is_infinite() {
            if double > 0.0 { Self::Infinity } else { Self::NegativeInfinity }
        } else {
            Self::Finite(Finite::from_finite_double(double))
        }
    }

    fn from_decimal(decimal: Decimal) -> Self {
        match decimal {
            Decimal::NaN => Self::NaN,
            Decimal::Infinity { negative: true } => Self::NegativeInfinity,
            Decimal::Infinity { negative: false } => Self::Infinity,
            Decimal::Finite { negative, coefficient, exponent } => {
                Self::Finite(Finite { negative, coefficient, twos: 0, tens: exponent })
            }
        }
    }
}

/// ± coefficient × 2^twos × 10^tens; equal if the values are, whatever the fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finite {
    negative: bool,
    coefficient: u128,
    twos: i32,
    tens: i32,
}

impl Finite {
    fn from_integer(integer: i64) -> Self {
        let coefficient = integer.unsigned_abs().into();
        Self { negative: integer < 0, coefficient, twos: 0, tens: 0 }
    }

    fn from_finite_double(double: f64) -> Self {
        const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
        const SMALLEST_POWER: i32 = -1074;
        let bits = double.to_bits();
        let fraction = bits & ((1 << FRACTION_BITS) - 1);
        let exponent = ((bits >> FRACTION_BITS) & 0x7FF) as i32;
        let (coefficient, twos) = match exponent {
            0 => (fraction, SMALLEST_POWER),
            normal => (fraction | (1 << FRACTION_BITS), SMALLEST_POWER + normal - 1),
        };
        Self { negative: double < 0.0, coefficient: coefficient.into(), twos, tens: 0 }
    }

    fn signum(&self) -> i8 {
        match (self.coefficient, self.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    /// The order of the absolute values, neither of which is zero.
    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        // Far above the rounding errors: the logarithms stay below 21,000, with 53 bits each.
        const MARGIN: f64 = 1e-6;
        let difference = self.log2() - other.log2();
        if difference.abs() > MARGIN {
            return difference.total_cmp(&0.0);
        }
        let twos = self.twos.min(other.twos);
        let tens = self.tens.min(other.tens);
        self.scaled(twos, tens).compare(&other.scaled(twos, tens))
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn log2(&self) -> f64 {
        let coefficient = (self.coefficient as f64).log2();
        coefficient + f64::from(self.twos) + f64::from(self.tens) * LOG2_10
    }

    /// The absolute value divided by 2^twos × 10^tens, which must not exceed the number's own
    /// exponents.
    fn scaled(&self, twos: i32, tens: i32) -> Natural {
        let mut natural = Natural::from(self.coefficient);
        (twos..self.twos).for_each(|_| natural.multiply(2));
        (tens..self.tens).for_each(|_| natural.multiply(10));
        natural
    }
}

impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.signum().cmp(&other.signum()).then_with(|| match self.signum() {
            0 => Ordering::Equal,
            1 => self.cmp_magnitude(other),
            _ => other.cmp_magnitude(self),
        })
    }
}

impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Finite {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Finite {}

/// A positive integer of arbitrary size: digits of base 2^32, the least significant first, the last
/// not 0.
struct Natural(Vec<u32>);

impl From<u128> for Natural {
    fn from(mut number: u128) -> Self {
        let mut digits = Vec::new();
        while number > 0 {
            digits.push(low_digit(&mut number));
        }
        Self(digits)
    }
}

/// Removes the least significant digit of base 2^32 from a number.
#[expect(clippy::cast_possible_truncation, reason = "keeps the low 32 bits")]
fn low_digit(number: &mut u128) -> u32 {
    let digit = *number as u32;
    *number >>= u32::BITS;
    digit
}

impl Natural {
    fn multiply(&mut self, factor: u32) {
        let mut carry = 0;
        for digit in &mut self.0 {
            carry += u128::from(*digit) * u128::from(factor);
            *digit = low_digit(&mut carry);
        }
        if carry > 0 {
            self.0.push(low_digit(&mut carry));
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}
