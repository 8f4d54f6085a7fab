//! MongoDB's arithmetic over its four types of numbers.
//!
//! | file | content |
//! | --- | --- |
//! | `arithmetic.rs` | sums, products, differences, quotients and remainders; their result types |
//! | `decimal.rs` | [`Decimal`]: IEEE 754 decimals of 128 bits |
//! | `decimal_text.rs` | decimals of text, and their text |
//! | `transcendental.rs` | exponentials, logarithms and trigonometric functions of decimals |
//! | `hyperbolic.rs` | inverse hyperbolic functions of doubles |
//! | `rounding.rs` | rounding to a decimal place |
//! | `power.rs` | powers |
//! | `parse.rs` | numbers of text |
//! | `text.rs` | text of doubles |

mod arithmetic;
mod decimal;
mod decimal_text;
mod hyperbolic;
mod parse;
mod power;
mod rounding;
mod text;
mod transcendental;

use std::cmp::Ordering;

use bson::Bson;
use bson::raw::{RawBson, RawBsonRef};

pub use arithmetic::{
    Product, Sum, add, checked_add, checked_multiply, divide, modulo, multiply, subtract,
};
pub use decimal::{Decimal, Rounding};
pub use decimal_text::DecimalError;
pub use hyperbolic::{acosh, asinh, atanh};
pub use parse::{ParseError, parse_decimal, parse_double, parse_int, parse_long};
pub use power::power;
pub use rounding::round;
pub use text::{double_text, short_text};

use crate::value::Value;

/// 2^63, the first double above all of 64 bits.
const BEYOND_LONG: f64 = 9_223_372_036_854_775_808.0;

/// A number of one of MongoDB's types.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// An integer of 32 bits.
    Int(i32),
    /// An integer of 64 bits.
    Long(i64),
    /// An IEEE 754 binary number of 64 bits.
    Double(f64),
    /// An IEEE 754 decimal number of 128 bits.
    Decimal(Decimal),
}

/// A type of numbers. A later one is wider: the type of a result is the widest of its operands'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberType {
    /// `int`.
    Int,
    /// `long`.
    Long,
    /// `double`.
    Double,
    /// `decimal`.
    Decimal,
}

impl Number {
    /// The number that a value is; `None` if it is of another type.
    pub fn of(value: RawBsonRef<'_>) -> Option<Self> {
        Some(match value {
            RawBsonRef::Int32(number) => Self::Int(number),
            RawBsonRef::Int64(number) => Self::Long(number),
            RawBsonRef::Double(number) => Self::Double(number),
            RawBsonRef::Decimal128(number) => Self::Decimal(number.into()),
            _ => return None,
        })
    }

    /// The type.
    pub fn number_type(self) -> NumberType {
        match self {
            Self::Int(_) => NumberType::Int,
            Self::Long(_) => NumberType::Long,
            Self::Double(_) => NumberType::Double,
            Self::Decimal(_) => NumberType::Decimal,
        }
    }

    /// An `int` if the integer fits, or else a `long`.
    pub fn int_or_long(number: i64) -> Self {
        i32::try_from(number).map_or(Self::Long(number), Self::Int)
    }

    /// The nearest double.
    #[expect(clippy::cast_precision_loss, reason = "the server rounds too")]
    pub fn to_double(self) -> f64 {
        match self {
            Self::Int(number) => f64::from(number),
            Self::Long(number) => number as f64,
            Self::Double(number) => number,
            Self::Decimal(number) => number.to_double(),
        }
    }

    /// The number as a decimal; a double is rounded to 15 digits.
    pub fn to_decimal(self) -> Decimal {
        match self {
            Self::Int(number) => Decimal::from(i64::from(number)),
            Self::Long(number) => Decimal::from(number),
            Self::Double(number) => Decimal::from_double(number),
            Self::Decimal(number) => number,
        }
    }

    /// The number as an integer, as the server coerces it: a double towards zero, saturating, and
    /// a decimal to the nearest, or the smallest integer if it is out of range.
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    pub fn to_long(self) -> i64 {
        match self {
            Self::Int(number) => number.into(),
            Self::Long(number) => number,
            Self::Double(number) => number as i64,
            Self::Decimal(number) => number.to_long(Rounding::TiesToEven).unwrap_or(i64::MIN),
        }
    }

    /// The same number as a `long`; `None` if it is not an integer of 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "checked")]
    #[expect(clippy::float_cmp, reason = "exactness is what is asked for")]
    pub fn exact_long(self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(number.into()),
            Self::Long(number) => Some(number),
            Self::Double(number) => {
                let fits = (-BEYOND_LONG..BEYOND_LONG).contains(&number);
                (fits && number.trunc() == number).then_some(number as i64)
            }
            Self::Decimal(number) => number.exact_long(),
        }
    }

    /// The same number as an `int`; `None` if it is not an integer of 32 bits.
    pub fn exact_int(self) -> Option<i32> {
        self.exact_long().and_then(|number| i32::try_from(number).ok())
    }

    /// Whether the number is not a number.
    pub fn is_nan(self) -> bool {
        match self {
            Self::Double(number) => number.is_nan(),
            Self::Decimal(number) => number.is_nan(),
            Self::Int(_) | Self::Long(_) => false,
        }
    }

    /// Whether the number is neither infinite nor NaN.
    pub fn is_finite(self) -> bool {
        match self {
            Self::Double(number) => number.is_finite(),
            Self::Decimal(number) => number.is_finite(),
            Self::Int(_) | Self::Long(_) => true,
        }
    }

    /// Whether the number is a zero of either sign.
    pub fn is_zero(self) -> bool {
        match self {
            Self::Int(number) => number == 0,
            Self::Long(number) => number == 0,
            Self::Double(number) => number == 0.0,
            Self::Decimal(number) => number.is_zero(),
        }
    }

    /// Compares in MongoDB's order: by value, NaN first.
    pub fn compare(self, other: Self) -> Ordering {
        let (a, b) = (RawBson::from(self), RawBson::from(other));
        argon_core::key::compare(a.as_raw_bson_ref(), b.as_raw_bson_ref())
            .unwrap_or(Ordering::Equal)
    }
}

impl From<Number> for RawBson {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(number) => Self::Int32(number),
            Number::Long(number) => Self::Int64(number),
            Number::Double(number) => Self::Double(number),
            Number::Decimal(number) => Self::Decimal128(number.into()),
        }
    }
}

impl From<Number> for Bson {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(number) => Self::Int32(number),
            Number::Long(number) => Self::Int64(number),
            Number::Double(number) => Self::Double(number),
            Number::Decimal(number) => Self::Decimal128(number.into()),
        }
    }
}

impl From<Number> for Value<'_> {
    fn from(number: Number) -> Self {
        Self::Owned(number.into())
    }
}
