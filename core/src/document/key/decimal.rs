//! Decimal128 as sign, coefficient and exponent: `bson` only exposes its bytes and its text.
//!
//! The bytes are IEEE 754-2008 binary integer decimals (BID), little-endian: bit 127 is the sign,
//! followed by 14 bits of exponent and 113 of coefficient. If the sign is followed by 11, it is a
//! special value, or another form whose coefficients are all out of range, and therefore count as
//! zero.

use bson::Decimal128;

const SIGN_BIT: u32 = 127;
const COEFFICIENT_BITS: u32 = 113;
const EXPONENT_BIAS: i32 = 6176;
const EXPONENT_MASK: u128 = (1 << 14) - 1;
const MAX_COEFFICIENT: u128 = 10_u128.pow(34) - 1;
const MAX_EXPONENT: i32 = 6111;

/// The value of a decimal128. The exponent of a zero is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decimal {
    NaN,
    Infinity {
        negative: bool,
    },
    /// ± coefficient × 10^exponent
    Finite {
        negative: bool,
        coefficient: u128,
        exponent: i32,
    },
}

impl From<Decimal128> for Decimal {
    fn from(decimal: Decimal128) -> Self {
        let bits = u128::from_le_bytes(decimal.bytes());
        let negative = bits >> SIGN_BIT == 1;
        match (bits >> 122) & 0b1_1111 {
            0b1_1111 => Self::NaN,
            0b1_1110 => Self::Infinity { negative },
            0b1_1000..=0b1_1101 => Self::Finite { negative, coefficient: 0, exponent: 0 },
            _ => Self::small_form(negative, bits),
        }
    }
}

impl Decimal {
    fn small_form(negative: bool, bits: u128) -> Self {
        let coefficient = bits & ((1 << COEFFICIENT_BITS) - 1);
        if coefficient == 0 || coefficient > MAX_COEFFICIENT {
            return Self::Finite { negative, coefficient: 0, exponent: 0 };
        }
        let biased = ((bits >> COEFFICIENT_BITS) & EXPONENT_MASK) as i32;
        Self::Finite { negative, coefficient, exponent: biased - EXPONENT_BIAS }
    }
}

/// Converts ± coefficient × 10^exponent to a decimal128, if there is an exact one.
///
/// The coefficient must not end in a decimal zero: then an exponent that is too small has no other
/// form.
pub(crate) fn to_decimal128(
    negative: bool,
    coefficient: u128,
    exponent: i32,
) -> Option<Decimal128> {
    // An exponent that is too large moves into the coefficient as trailing zeros.
    let zeros = u32::try_from(exponent - MAX_EXPONENT).unwrap_or(0);
    let coefficient = coefficient.checked_mul(10_u128.checked_pow(zeros)?)?;
    let biased = u128::try_from(exponent.min(MAX_EXPONENT) + EXPONENT_BIAS).ok()?;
    if coefficient > MAX_COEFFICIENT {
        return None;
    }
    let sign = u128::from(negative) << SIGN_BIT;
    let bits = sign | (biased << COEFFICIENT_BITS) | coefficient;
    Some(Decimal128::from_bytes(bits.to_le_bytes()))
}
