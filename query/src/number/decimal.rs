//! Decimals of 128 bits: a port of Intel's library, which MongoDB's server uses, with the server's
//! conversions.
//!
//! The names and rules of the conversions are those of the server's `decimal128.cpp`.

use std::fmt::{self, Write};

use decmathlib_rs::d128::{ONE, RoundingMode, StatusFlags, ZERO, d128};

/// The exponent of the unit in the last place of a decimal whose stored exponent is 0 is minus this.
const EXPONENT_BIAS: i32 = 6176;
/// The bit of the sign, and the bits of infinity and of NaN.
const SIGN: u128 = 1 << 127;
const INFINITY: u128 = 0x78 << 120;
const NAN: u128 = 0x7c << 120;
/// The lowest bit of the exponent.
const EXPONENT_SHIFT: u32 = 113;
/// The digits of the largest coefficient.
pub(crate) const DIGITS: usize = 34;

/// An IEEE 754 decimal number of 128 bits, with 34 digits.
///
/// Results are rounded to the nearest, ties to even. Equal numbers may differ in their exponents:
/// compare by [`equals`](Self::equals).
#[derive(Clone, Copy)]
pub struct Decimal(d128);

/// How a number is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; to the even one of two.
    TiesToEven,
    /// Towards zero.
    TowardZero,
    /// Towards positive infinity.
    Up,
    /// Towards negative infinity.
    Down,
}

/// The sign, the coefficient and the exponent of a finite decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) negative: bool,
    pub(crate) coefficient: u128,
    pub(crate) exponent: i32,
}

impl Parts {
    /// The zeros at the end of the coefficient; none of zero.
    pub(crate) fn trailing_zeros(self) -> i32 {
        let mut coefficient = self.coefficient;
        let mut zeros = 0;
        while coefficient != 0 && coefficient.is_multiple_of(10) {
            coefficient /= 10;
            zeros += 1;
        }
        zeros
    }
}

impl Decimal {
    /// Zero, as an integer.
    pub const ZERO: Self = Self(ZERO);
    /// One.
    pub const ONE: Self = Self(ONE);

    pub(super) fn from_library(number: d128) -> Self {
        Self(number)
    }

    fn from_bits(bits: u128) -> Self {
        Self(d128::from(bits))
    }

    /// π.
    pub fn pi() -> Self {
        let coefficient = 3_141_592_653_589_793_238_462_643_383_279_503;
        Self::from_parts(Parts { negative: false, coefficient, exponent: -33 })
    }

    /// Zero with the smallest exponent: what a number that is too small rounds to.
    pub(crate) fn smallest_zero() -> Self {
        Self::from_bits(0)
    }

    /// NaN.
    pub fn nan() -> Self {
        Self::from_bits(NAN)
    }

    /// Infinity of a sign.
    pub fn infinity(negative: bool) -> Self {
        Self::from_bits(if negative { INFINITY | SIGN } else { INFINITY })
    }

    /// `coefficient * 10^exponent`. The coefficient has at most 34 digits, and the exponent is from
    /// -6176 to 6111.
    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self::from_bits(bits_of(parts))
    }

    /// 10 to a power, from -6176 to 6111.
    pub fn power_of_ten(exponent: i32) -> Self {
        Self::from_parts(Parts { negative: false, coefficient: 1, exponent })
    }

    /// The decimal of a double, rounded to 15 digits. It has 15 digits unless it is zero, infinite
    /// or NaN.
    pub fn from_double(number: f64) -> Self {
        let exact = Self::from_double_in_full(number);
        if number == 0.0 || !number.is_finite() {
            return exact;
        }
        // The decimal exponent of the power of two below the number. The number's own may be one
        // higher, which shows in a result of 16 digits.
        let scaled = binary_exponent(number) * 30103;
        let exponent = if scaled < 0 { scaled / 100_000 - 1 } else { scaled / 100_000 };
        let rounded = exact.quantize_to(exponent - 14, Rounding::TiesToEven);
        if rounded.abs().is_less(Self::power_of_ten(exponent + 1)) {
            return rounded;
        }
        exact.quantize_to(exponent - 13, Rounding::TiesToEven)
    }

    /// The decimal of a double, rounded to 34 digits.
    pub fn from_double_in_full(number: f64) -> Self {
        Self(d128::convert_from_f64(number, None, &mut 0))
    }

    /// The sum.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "one of many operations, which all round")]
    pub fn add(self, other: Self) -> Self {
        Self(d128::addition(&self.0, &other.0, None, &mut 0))
    }

    /// The difference.
    #[must_use]
    pub fn subtract(self, other: Self) -> Self {
        Self(d128::subtraction(&self.0, &other.0, None, &mut 0))
    }

    /// The product.
    #[must_use]
    pub fn multiply(self, other: Self) -> Self {
        Self(d128::multiplication(&self.0, &other.0, None, &mut 0))
    }

    /// The quotient. A zero divisor gives an infinity, or NaN.
    #[must_use]
    pub fn divide(self, other: Self) -> Self {
        Self(d128::division(&self.0, &other.0, None, &mut 0))
    }

    /// The remainder, with the sign of the dividend. A zero divisor gives NaN.
    #[must_use]
    pub fn modulo(self, other: Self) -> Self {
        Self(self.0.fmod(&other.0, &mut 0))
    }

    /// The square root; NaN of a negative number.
    #[must_use]
    pub fn square_root(self) -> Self {
        Self(self.0.square_root(None, &mut 0))
    }

    /// The number without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negate(self) -> Self {
        Self(d128::negate(&self.0))
    }

    /// The same number with as many digits as possible: 34 unless it is among the smallest.
    #[must_use]
    pub fn normalize(self) -> Self {
        self.add(Self::smallest_zero())
    }

    /// The number rounded to a multiple of `10^exponent`, with that exponent; NaN if that takes more
    /// than 34 digits, or of an infinity.
    #[must_use]
    pub fn quantize_to(self, exponent: i32, rounding: Rounding) -> Self {
        let reference = Self::power_of_ten(exponent);
        Self(d128::quantize(&self.0, &reference.0, Some(rounding.into()), &mut 0))
    }

    /// Whether this is NaN.
    pub fn is_nan(self) -> bool {
        self.0.is_nan()
    }

    /// Whether this is an infinity.
    pub fn is_infinite(self) -> bool {
        self.0.is_infinite()
    }

    /// Whether this is neither an infinity nor NaN.
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    /// Whether this is a zero of either sign.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether the sign is negative, of zeros and NaN too.
    pub fn is_negative(self) -> bool {
        self.0.is_sign_minus()
    }

    /// Whether the numbers are equal, whatever their exponents. NaN equals nothing.
    pub fn equals(self, other: Self) -> bool {
        d128::compare_quiet_equal(&self.0, &other.0, &mut 0)
    }

    /// Whether this is less. NaN is not.
    pub fn is_less(self, other: Self) -> bool {
        d128::compare_quiet_less(&self.0, &other.0, &mut 0)
    }

    /// Whether this is greater. NaN is not.
    pub fn is_greater(self, other: Self) -> bool {
        d128::compare_quiet_greater(&self.0, &other.0, &mut 0)
    }

    /// The nearest double. It is zero or infinite if the number is out of range.
    pub fn to_double(self) -> f64 {
        match self.parts() {
            // The standard library rounds correctly, as Intel's library does.
            Some(_) => self.coefficient_text().as_str().parse().unwrap_or(f64::NAN),
            None if self.is_nan() => f64::NAN,
            None if self.is_negative() => f64::NEG_INFINITY,
            None => f64::INFINITY,
        }
    }

    /// The integer to which the number rounds; `None` if it is not one of 64 bits.
    pub fn to_long(self, rounding: Rounding) -> Option<i64> {
        let mut flags = 0;
        let number = match rounding {
            Rounding::TiesToEven => self.0.convert_to_i64_ties_to_even(&mut flags),
            Rounding::TowardZero => self.0.convert_to_i64_toward_zero(&mut flags),
            Rounding::Up => self.0.convert_to_i64_toward_positive(&mut flags),
            Rounding::Down => self.0.convert_to_i64_toward_negative(&mut flags),
        };
        (flags & StatusFlags::BID_INVALID_EXCEPTION == 0).then_some(number)
    }

    /// The same number as an integer; `None` if it is not one of 64 bits.
    pub fn exact_long(self) -> Option<i64> {
        let mut flags = 0;
        let number = self.0.convert_to_i64_exact_ties_to_even(&mut flags);
        (flags == 0).then_some(number)
    }

    /// The parts of a finite number.
    pub(crate) fn parts(self) -> Option<Parts> {
        if !self.is_finite() {
            return None;
        }
        // The library shows its bits in its text only.
        let text = self.coefficient_text();
        let (coefficient, exponent) = text.as_str().split_once('E')?;
        Some(Parts {
            negative: self.is_negative(),
            coefficient: coefficient.get(1..)?.parse().ok()?,
            exponent: exponent.parse().ok()?,
        })
    }

    /// The text of the library, such as `+123E-2`.
    fn coefficient_text(self) -> ShortText {
        let mut text = ShortText { bytes: [0; 8 + DIGITS], length: 0 };
        // The text is no longer than its buffer.
        let _ = write!(text, "{}", self.0);
        text
    }
}

/// The exponent of the power of two below a finite number other than zero.
fn binary_exponent(number: f64) -> i32 {
    const MANTISSA_BITS: u32 = 52;
    const EXPONENT_BIAS: i32 = 1023;
    let bits = number.to_bits();
    let stored = i32::try_from(bits >> MANTISSA_BITS & 0x7ff).unwrap_or_default();
    if stored > 0 {
        return stored - EXPONENT_BIAS;
    }
    // A subnormal number has no leading one.
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1);
    let zeros = i32::try_from(mantissa.leading_zeros()).unwrap_or_default();
    63 - zeros - 1074
}

fn bits_of(parts: Parts) -> u128 {
    let exponent = u128::try_from(parts.exponent + EXPONENT_BIAS).unwrap_or_default();
    let sign = if parts.negative { SIGN } else { 0 };
    sign | exponent << EXPONENT_SHIFT | parts.coefficient
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self(d128::from(number))
    }
}

impl From<bson::Decimal128> for Decimal {
    fn from(number: bson::Decimal128) -> Self {
        Self::from_bits(u128::from_le_bytes(number.bytes()))
    }
}

impl From<Decimal> for bson::Decimal128 {
    fn from(number: Decimal) -> Self {
        let bits = match number.parts() {
            Some(parts) => bits_of(parts),
            None if number.is_negative() => SIGN | if number.is_nan() { NAN } else { INFINITY },
            None if number.is_nan() => NAN,
            None => INFINITY,
        };
        Self::from_bytes(bits.to_le_bytes())
    }
}

impl From<Rounding> for RoundingMode {
    fn from(rounding: Rounding) -> Self {
        match rounding {
            Rounding::TiesToEven => Self::NearestEven,
            Rounding::TowardZero => Self::TowardZero,
            Rounding::Up => Self::Upward,
            Rounding::Down => Self::Downward,
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({self})")
    }
}

/// A text of the library: a sign, 34 digits, and an exponent.
struct ShortText {
    bytes: [u8; 8 + DIGITS],
    length: usize,
}

impl ShortText {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
