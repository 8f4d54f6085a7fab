//! Exponentials, logarithms and trigonometric functions of decimals.
//!
//! The library of MongoDB's server (Intel's) computes them on binary numbers of 113 bits. So do
//! these, for equal last digits: the result is computed with more bits, rounded to 113, and only
//! then to a decimal. A logarithm rounds its argument too, unless it is close to 1.

use astro_float::{
    BigFloat, Consts, INF_NEG, INF_POS, NAN, Radix, RoundingMode, Sign, WORD_BIT_SIZE,
};

use super::decimal::{Decimal, Parts};
use super::decimal_text::Digits;

/// The bits of the server's intermediate numbers.
const QUAD_BITS: usize = 113;
/// The bits with which functions are computed.
const PRECISION: usize = 256;
/// The bits with which results become decimals.
const OUTPUT_PRECISION: usize = 512;
const NEAREST: RoundingMode = RoundingMode::ToEven;
/// The binary exponent beyond which a number is no decimal: 10^6145 is below 2^20500.
const MAX_EXPONENT: i32 = 20_500;
const MIN_EXPONENT: i32 = -20_700;
/// Above this, the exponential of a number is no decimal.
const MAX_EXPONENTIAL_ARGUMENT: i64 = 20_000;

/// A function of a binary number with a precision.
type Function = fn(&BigFloat, usize, &mut Consts) -> BigFloat;

macro_rules! functions {
    ($apply:ident: $($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(self) -> Self {
            self.$apply(|x, precision, consts| x.$name(precision, NEAREST, consts))
        }
    )*};
}

impl Decimal {
    functions! { apply_periodic:
        /// The sine; NaN of an infinity.
        sin;
        /// The cosine; NaN of an infinity.
        cos;
        /// The tangent; NaN of an infinity.
        tan;
    }

    functions! { apply:
        /// The arcsine; NaN beyond -1 and 1.
        asin;
        /// The arccosine; NaN beyond -1 and 1.
        acos;
        /// The arctangent.
        atan;
        /// The hyperbolic arcsine.
        asinh;
        /// The hyperbolic arccosine; NaN below 1.
        acosh;
        /// The hyperbolic tangent.
        tanh;
    }

    /// The hyperbolic arctangent: an infinity of -1 and 1, NaN beyond.
    #[must_use]
    pub fn atanh(self) -> Self {
        if self.abs().equals(Self::ONE) {
            return Self::infinity(self.is_negative());
        }
        self.apply(|x, precision, consts| x.atanh(precision, NEAREST, consts))
    }

    /// The hyperbolic sine.
    #[must_use]
    pub fn sinh(self) -> Self {
        if self.is_beyond_exponentials() {
            return Self::infinity(self.is_negative());
        }
        self.apply(|x, precision, consts| x.sinh(precision, NEAREST, consts))
    }

    /// The hyperbolic cosine.
    #[must_use]
    pub fn cosh(self) -> Self {
        if self.is_beyond_exponentials() {
            return Self::infinity(false);
        }
        self.apply(|x, precision, consts| x.cosh(precision, NEAREST, consts))
    }

    /// `e` to this power.
    #[must_use]
    pub fn exponential(self) -> Self {
        if self.is_beyond_exponentials() {
            return if self.is_negative() { Self::smallest_zero() } else { Self::infinity(false) };
        }
        self.apply(|x, precision, consts| x.exp(precision, NEAREST, consts))
    }

    /// The natural logarithm; NaN of a negative number.
    #[must_use]
    pub fn natural_logarithm(self) -> Self {
        self.apply_to_quad(|x, precision, consts| x.ln(precision, NEAREST, consts))
    }

    /// The logarithm to a base.
    #[must_use]
    pub fn logarithm(self, base: Self) -> Self {
        if base.equals(Self::from(2)) {
            return self.apply_to_quad(|x, precision, consts| x.log2(precision, NEAREST, consts));
        }
        if base.equals(Self::from(10)) {
            return self.apply_to_quad(|x, precision, consts| x.log10(precision, NEAREST, consts));
        }
        self.natural_logarithm().divide(base.natural_logarithm())
    }

    /// This number to a power, with as many digits as possible.
    #[must_use]
    pub fn power(self, exponent: Self) -> Self {
        self.special_power(exponent).unwrap_or_else(|| self.finite_power(exponent)).normalize()
    }

    /// The powers that IEEE 754 defines.
    fn special_power(self, exponent: Self) -> Option<Self> {
        if exponent.is_zero() || self.equals(Self::ONE) {
            return Some(Self::ONE);
        }
        if self.is_nan() || exponent.is_nan() {
            return Some(Self::nan());
        }
        let to_negative = exponent.is_negative();
        if exponent.is_infinite() {
            let magnitude = self.abs();
            if magnitude.equals(Self::ONE) {
                return Some(Self::ONE);
            }
            let grows = magnitude.is_greater(Self::ONE) != to_negative;
            return Some(if grows { Self::infinity(false) } else { Self::ZERO });
        }
        let negative = self.is_negative() && exponent.is_odd();
        if self.is_zero() || self.is_infinite() {
            let vanishes = self.is_zero() != to_negative;
            return Some(match vanishes {
                true if negative => Self::ZERO.negate(),
                true => Self::ZERO,
                false => Self::infinity(negative),
            });
        }
        (self.is_negative() && !exponent.is_integer()).then(Self::nan)
    }

    fn finite_power(self, exponent: Self) -> Self {
        let negative = self.is_negative() && exponent.is_odd();
        let Ok(mut consts) = Consts::new() else { return Self::nan() };
        let base = self.abs().to_binary(PRECISION, &mut consts);
        let exponent = exponent.to_binary(PRECISION, &mut consts);
        let logarithm = base.ln(PRECISION, NEAREST, &mut consts);
        let product = logarithm.mul(&exponent, PRECISION, NEAREST);
        let limit = BigFloat::from_i64(MAX_EXPONENTIAL_ARGUMENT, PRECISION);
        let magnitude = if product.abs_cmp(&limit).is_some_and(|order| order > 0) {
            if product.is_negative() { Self::smallest_zero() } else { Self::infinity(false) }
        } else {
            from_binary(&base.pow(&exponent, PRECISION, NEAREST, &mut consts), &mut consts)
        };
        if negative { magnitude.negate() } else { magnitude }
    }

    /// The angle of the point (`x`, this number): from -π to π.
    #[must_use]
    pub fn atan2(self, x: Self) -> Self {
        if self.is_nan() || x.is_nan() {
            return Self::nan();
        }
        let Ok(mut consts) = Consts::new() else { return Self::nan() };
        let pi = consts.pi(PRECISION, NEAREST);
        // The angle to the horizontal axis, in the first quadrant.
        let angle = if self.is_infinite() && x.is_infinite() {
            divide(&pi, 4)
        } else if self.is_infinite() || (x.is_zero() && !self.is_zero()) {
            divide(&pi, 2)
        } else if x.is_infinite() || self.is_zero() {
            BigFloat::new(PRECISION)
        } else {
            let y = self.abs().to_binary(PRECISION, &mut consts);
            let x = x.abs().to_binary(PRECISION, &mut consts);
            y.div(&x, PRECISION, NEAREST).atan(PRECISION, NEAREST, &mut consts)
        };
        let angle = if x.is_negative() { pi.sub(&angle, PRECISION, NEAREST) } else { angle };
        let result = from_binary(&to_quad(angle), &mut consts);
        if self.is_negative() { result.negate() } else { result }
    }

    fn apply(self, function: Function) -> Self {
        let Ok(mut consts) = Consts::new() else { return Self::nan() };
        let argument = self.to_binary(PRECISION, &mut consts);
        from_binary(&to_quad(function(&argument, PRECISION, &mut consts)), &mut consts)
    }

    /// Applies a function with the period 2π.
    fn apply_periodic(self, function: Function) -> Self {
        let Ok(mut consts) = Consts::new() else { return Self::nan() };
        let precision = self.exact_precision();
        let mut argument = self.to_binary(precision, &mut consts);
        if precision > PRECISION {
            // The function would compute with all bits of a large number.
            let two = BigFloat::from_u8(2, precision);
            let period = consts.pi(precision, NEAREST).mul(&two, precision, NEAREST);
            argument = argument.rem(&period);
            if argument.set_precision(PRECISION, NEAREST).is_err() {
                return Self::nan();
            }
        }
        from_binary(&to_quad(function(&argument, PRECISION, &mut consts)), &mut consts)
    }

    fn apply_to_quad(self, function: Function) -> Self {
        let Ok(mut consts) = Consts::new() else { return Self::nan() };
        let exact = self.to_binary(PRECISION, &mut consts);
        let near_one = self.subtract(Self::ONE).abs().is_less(Self::power_of_ten(-1));
        let argument = if near_one { exact } else { to_quad(exact) };
        from_binary(&to_quad(function(&argument, PRECISION, &mut consts)), &mut consts)
    }

    fn is_beyond_exponentials(self) -> bool {
        self.abs().is_greater(Self::from(MAX_EXPONENTIAL_ARGUMENT))
    }

    fn is_integer(self) -> bool {
        self.parts().is_some_and(|parts| parts.trailing_zeros() + parts.exponent >= 0)
    }

    fn is_odd(self) -> bool {
        self.parts().is_some_and(|parts| {
            let zeros = parts.trailing_zeros();
            let divisor = 10_u128.pow(zeros.unsigned_abs());
            parts.exponent + zeros == 0 && parts.coefficient / divisor % 2 == 1
        })
    }

    /// The bits that a large number needs to be exact, as a trigonometric function takes it.
    fn exact_precision(self) -> usize {
        /// More than the bits of a decimal digit.
        const BITS_OF_DIGIT: usize = 4;
        let exponent = self.parts().map_or(0, |parts| parts.exponent);
        PRECISION + BITS_OF_DIGIT * usize::try_from(exponent).unwrap_or(0)
    }

    fn to_binary(self, precision: usize, consts: &mut Consts) -> BigFloat {
        let Some(parts) = self.parts() else {
            return match (self.is_nan(), self.is_negative()) {
                (true, _) => NAN,
                (false, true) => INF_NEG,
                (false, false) => INF_POS,
            };
        };
        let text = parts.coefficient.to_string();
        let digits: Vec<u8> = text.bytes().map(|digit| digit - b'0').collect();
        // The point is before the first digit.
        let exponent = parts.exponent + i32::try_from(digits.len()).unwrap_or_default();
        let sign = if parts.negative { Sign::Neg } else { Sign::Pos };
        BigFloat::convert_from_radix(
            sign,
            &digits,
            exponent,
            Radix::Dec,
            precision,
            NEAREST,
            consts,
        )
    }
}

fn divide(number: &BigFloat, divisor: u8) -> BigFloat {
    number.div(&BigFloat::from_u8(divisor, PRECISION), PRECISION, NEAREST)
}

/// Rounds to the server's intermediate numbers.
fn to_quad(mut number: BigFloat) -> BigFloat {
    let Some(exponent) = number.exponent() else { return number };
    if number.is_zero() {
        return number;
    }
    number.set_exponent(0);
    let mut rounded = number.round(QUAD_BITS, NEAREST);
    // Rounding up to the next power of two has raised the exponent.
    let raised = rounded.exponent().unwrap_or_default();
    rounded.set_exponent(exponent + raised);
    rounded
}

fn from_binary(number: &BigFloat, consts: &mut Consts) -> Decimal {
    if number.is_nan() {
        return Decimal::nan();
    }
    let negative = number.is_negative();
    let Some(exponent) = number.exponent().filter(|exponent| *exponent <= MAX_EXPONENT) else {
        return Decimal::infinity(negative);
    };
    if number.is_zero() {
        return Decimal::from_parts(Parts { negative, coefficient: 0, exponent: 0 });
    }
    if exponent < MIN_EXPONENT {
        return if negative { Decimal::smallest_zero().negate() } else { Decimal::smallest_zero() };
    }
    exact(number, negative, exponent).unwrap_or_else(|| rounded(number, negative, consts))
}

/// The decimal that a binary number is exactly, with the exponent closest to 0.
fn exact(number: &BigFloat, negative: bool, exponent: i32) -> Option<Decimal> {
    /// The first number of 35 digits.
    const BEYOND: u128 = 10_u128.pow(34);
    let (words, ..) = number.as_raw_parts()?;
    let mut bits = 0_u128;
    let (lowest, others) = words.split_at(words.len().saturating_sub(128 / WORD_BIT_SIZE));
    if lowest.iter().any(|word| *word != 0) {
        return None;
    }
    for word in others.iter().rev() {
        bits = bits << WORD_BIT_SIZE | u128::from(*word);
    }
    // The point is before the highest bit of all words.
    let width = i32::try_from(others.len() * WORD_BIT_SIZE).ok()?;
    let zeros = bits.trailing_zeros();
    let odd = bits >> zeros;
    let power = exponent - width + i32::try_from(zeros).ok()?;
    let (coefficient, exponent) = match u32::try_from(power) {
        Ok(power) => (odd.checked_mul(2_u128.checked_pow(power)?)?, 0),
        Err(_) => (odd.checked_mul(5_u128.checked_pow(power.unsigned_abs())?)?, power),
    };
    (coefficient < BEYOND).then(|| Decimal::from_parts(Parts { negative, coefficient, exponent }))
}

fn rounded(number: &BigFloat, negative: bool, consts: &mut Consts) -> Decimal {
    let mut number = number.clone();
    let widened = number.set_precision(OUTPUT_PRECISION, NEAREST);
    let converted = number.convert_to_radix(Radix::Dec, NEAREST, consts);
    let (Ok(()), Ok((_, digits, exponent))) = (widened, converted) else { return Decimal::nan() };
    let text: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
    let places = i64::try_from(text.len()).unwrap_or_default();
    let digits = Digits::new(text, i64::from(exponent) - places);
    digits.round(negative).0
}
