//! The canonical encoding of int32, int64, double and decimal128: equal numbers have equal bytes.
//!
//! The first byte is the lead: NaN < negative infinity < negative < zero < positive < infinity. A
//! finite number other than zero is ± 0.D₁D₂…Dₙ × 100^exponent with digits of base 100, of which
//! neither the first nor the last is 0. The lead includes a common exponent (16 zeros after the
//! point to 32 digits before it); otherwise two more bytes do. One byte per digit follows: twice
//! the digit, plus one in all but the last. This terminates the number, and sorts 0.12 before
//! 0.1201. All bytes of a negative number are inverted. So 5 takes 2 bytes, an int64 up to 11, and
//! a double up to 387.

use bson::{Bson, Decimal128};

use super::{
    KeyError,
    decimal::{Decimal, to_decimal128},
    decode::Reader,
};

const NAN: u8 = 0x01;
const ZERO: u8 = 0x80;
/// The exponent is below [`COMMON_EXPONENTS`], and follows in two bytes.
const TINY: u8 = 0x87;
/// Plus an exponent in [`COMMON_EXPONENTS`].
const COMMON: i32 = 0x90;
const COMMON_EXPONENTS: std::ops::RangeInclusive<i32> = -8..=16;
/// The exponent is above [`COMMON_EXPONENTS`], and follows in two bytes.
const HUGE: u8 = 0xA1;
const INFINITY: u8 = 0xA2;
const NEGATIVE_INFINITY: u8 = !INFINITY;
/// Makes exponents of two bytes positive: those of decimal128 range from -3087 to 3073.
const EXPONENT_BIAS: i32 = 0x1000;
/// The maximum number of fractional digits of a double in scientific notation.
const DOUBLE_PRECISION: usize = 766;

pub(super) fn encode_integer(integer: i64, out: &mut Vec<u8>) {
    encode_scaled(integer < 0, integer.unsigned_abs().into(), 0, out);
}

pub(super) fn encode_decimal(decimal: Decimal128, out: &mut Vec<u8>) {
    match Decimal::from(decimal) {
        Decimal::NaN => out.push(NAN),
        Decimal::Infinity { negative: true } => out.push(NEGATIVE_INFINITY),
        Decimal::Infinity { negative: false } => out.push(INFINITY),
        Decimal::Finite { negative, coefficient, exponent } => {
            encode_scaled(negative, coefficient, exponent, out);
        }
    }
}

pub(super) fn encode_double(double: f64, out: &mut Vec<u8>) {
    const FIRST_BEYOND_U64: f64 = 18_446_744_073_709_551_616.0;
    if double.is_nan() {
        out.push(NAN);
    } else if double.is_infinite() {
        out.push(if double < 0.0 { NEGATIVE_INFINITY } else { INFINITY });
    } else if double.abs() < FIRST_BEYOND_U64 && double.fract() == 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an integer in the range of u64"
        )]
        let integer = double.abs() as u64;
        encode_scaled(double < 0.0, integer.into(), 0, out);
    } else {
        encode_expansion(double, out);
    }
}

/// Encodes a double by its decimal expansion, which is finite, because powers of two divide those
/// of ten.
fn encode_expansion(double: f64, out: &mut Vec<u8>) {
    let text = format!("{:.DOUBLE_PRECISION$e}", double.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    // From d.ddd × 10^e to 0.dddd × 10^(e + 1), and on to an even power of ten.
    let power = exponent.parse::<i32>().unwrap_or(0) + 1;
    let padding = power.rem_euclid(2);
    let zero = (padding == 1).then_some(0);
    let decimal_digits = mantissa.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0');
    let decimal_digits: Vec<u8> = zero.into_iter().chain(decimal_digits).collect();
    let digits: Vec<u8> = decimal_digits
        .chunks(2)
        .map(|pair| pair[0] * 10 + pair.get(1).copied().unwrap_or(0))
        .collect();
    encode_digits(double < 0.0, power.div_euclid(2) + padding, &digits, out);
}

/// Encodes ± coefficient × 10^exponent; the coefficient has at most 34 decimal digits.
fn encode_scaled(negative: bool, coefficient: u128, exponent: i32, out: &mut Vec<u8>) {
    if coefficient == 0 {
        return out.push(ZERO);
    }
    let odd = exponent.rem_euclid(2);
    let mut rest = if odd == 1 { coefficient * 10 } else { coefficient };
    let mut digits = [0; 18];
    let mut first = digits.len();
    while rest > 0 {
        first -= 1;
        (rest, digits[first]) = divide_by_100(rest);
    }
    let count = i32::try_from(digits.len() - first).unwrap_or(0);
    encode_digits(negative, (exponent - odd) / 2 + count, &digits[first..], out);
}

fn divide_by_100(number: u128) -> (u128, u8) {
    // Division of 128 bits is many times slower than of 64.
    match u64::try_from(number) {
        Ok(number) => ((number / 100).into(), (number % 100) as u8),
        Err(_) => (number / 100, (number % 100) as u8),
    }
}

/// Encodes ± 0.D₁D₂… × 100^exponent. The first digit is not 0; trailing zeros are omitted.
fn encode_digits(negative: bool, exponent: i32, digits: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    encode_exponent(exponent, out);
    let count = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    for (index, digit) in digits[..count].iter().enumerate() {
        out.push(digit * 2 + u8::from(index + 1 < count));
    }
    if negative {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "COMMON and EXPONENT_BIAS are chosen so that all exponents fit"
)]
fn encode_exponent(exponent: i32, out: &mut Vec<u8>) {
    if COMMON_EXPONENTS.contains(&exponent) {
        out.push((COMMON + exponent) as u8);
    } else {
        out.push(if exponent < 0 { TINY } else { HUGE });
        out.extend_from_slice(&((exponent + EXPONENT_BIAS) as u16).to_be_bytes());
    }
}

/// Decodes a number as the first of int32, int64, double and decimal128 that represents it exactly.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Bson, KeyError> {
    let start = reader.position();
    let lead = reader.byte("a number")?;
    match lead {
        NAN => Ok(Bson::Double(f64::NAN)),
        NEGATIVE_INFINITY => Ok(Bson::Double(f64::NEG_INFINITY)),
        ZERO => Ok(Bson::Int32(0)),
        INFINITY => Ok(Bson::Double(f64::INFINITY)),
        _ => {
            let number = Finite::decode(lead, reader)?;
            number
                .to_integer()
                .or_else(|| number.to_double(reader.since(start)))
                .or_else(|| number.to_decimal())
                .ok_or(KeyError::Malformed { offset: start, expected: "a number of a BSON type" })
        }
    }
}

/// ± 0.D₁D₂… × 100^exponent, not zero.
struct Finite {
    negative: bool,
    exponent: i32,
    digits: Vec<u8>,
}

impl Finite {
    fn decode(lead: u8, reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let negative = lead < ZERO;
        let inversion = if negative { 0xFF } else { 0 };
        let exponent = decode_exponent(lead ^ inversion, inversion, reader)?;
        let mut digits = Vec::new();
        let mut more = true;
        while more {
            let byte = reader.byte("a digit")? ^ inversion;
            more = byte % 2 == 1;
            let canonical = byte / 2 < 100 && (byte > 1 || (more && !digits.is_empty()));
            if !canonical {
                return Err(reader.malformed("a digit below 100, the first and the last not 0"));
            }
            digits.push(byte / 2);
        }
        Ok(Self { negative, exponent, digits })
    }

    fn to_integer(&self) -> Option<Bson> {
        const MOST_DIGITS: usize = 10; // of an i64, in base 100
        let length = usize::try_from(self.exponent).ok()?;
        if length > MOST_DIGITS || self.digits.len() > length {
            return None;
        }
        let zeros = u32::try_from(length - self.digits.len()).ok()?;
        let absolute = i128::try_from(self.coefficient()?).ok()? * 100_i128.pow(zeros);
        let integer = i64::try_from(if self.negative { -absolute } else { absolute }).ok()?;
        Some(i32::try_from(integer).map_or(Bson::Int64(integer), Bson::Int32))
    }

    /// Returns the double that has exactly this encoding.
    fn to_double(&self, encoding: &[u8]) -> Option<Bson> {
        use std::fmt::Write as _;
        let mut text = String::from(if self.negative { "-0." } else { "0." });
        for digit in &self.digits {
            write!(text, "{digit:02}").ok()?;
        }
        write!(text, "e{}", self.exponent * 2).ok()?;
        let nearest: f64 = text.parse().ok()?;
        let mut of_nearest = Vec::with_capacity(encoding.len());
        encode_double(nearest, &mut of_nearest);
        (of_nearest == encoding).then_some(Bson::Double(nearest))
    }

    fn to_decimal(&self) -> Option<Bson> {
        let mut coefficient = self.coefficient()?;
        let mut exponent = 2 * (self.exponent - i32::try_from(self.digits.len()).ok()?);
        if coefficient % 10 == 0 {
            // At most one zero: the last digit of base 100 is not 0.
            coefficient /= 10;
            exponent += 1;
        }
        to_decimal128(self.negative, coefficient, exponent).map(Bson::Decimal128)
    }

    /// Returns the digits as an integer, unless there are too many for any type except double.
    fn coefficient(&self) -> Option<u128> {
        const MOST_DIGITS: usize = 18; // of a decimal128, in base 100
        let join = |number, digit: &u8| number * 100 + u128::from(*digit);
        (self.digits.len() <= MOST_DIGITS).then(|| self.digits.iter().fold(0, join))
    }
}

fn decode_exponent(lead: u8, inversion: u8, reader: &mut Reader<'_>) -> Result<i32, KeyError> {
    let common = i32::from(lead) - COMMON;
    if COMMON_EXPONENTS.contains(&common) {
        return Ok(common);
    }
    if lead != TINY && lead != HUGE {
        return Err(reader.malformed("the lead of a number"));
    }
    let bytes = reader.array::<2>("an exponent")?.map(|byte| byte ^ inversion);
    let exponent = i32::from(u16::from_be_bytes(bytes)) - EXPONENT_BIAS;
    let in_range = match lead {
        TINY => exponent < *COMMON_EXPONENTS.start(),
        _ => exponent > *COMMON_EXPONENTS.end(),
    };
    if in_range { Ok(exponent) } else { Err(reader.malformed("an exponent in its range")) }
}
