//! Powers.

use super::{Number, NumberType};

/// `base ^ exponent`, as `$pow` has it: of integers an integer, or a double if it is none or beyond
/// 64 bits. `None` if the base is zero and the exponent is negative.
pub fn power(base: Number, exponent: Number) -> Option<Number> {
    match base.number_type().max(exponent.number_type()) {
        NumberType::Decimal => {
            let exponent = exponent.to_decimal();
            if base.is_zero() && exponent.is_negative() {
                return None;
            }
            Some(Number::Decimal(base.to_decimal().power(exponent)))
        }
        _ if base.is_zero() && exponent.to_double() < 0.0 => None,
        NumberType::Double => Some(Number::Double(base.to_double().powf(exponent.to_double()))),
        widest => Some(match power_of_longs(base.to_long(), exponent.to_long()) {
            None => Number::Double(base.to_double().powf(exponent.to_double())),
            Some(power) if widest == NumberType::Long => Number::Long(power),
            Some(power) => Number::int_or_long(power),
        }),
    }
}

/// The power, if it is an integer of 64 bits.
fn power_of_longs(base: i64, exponent: i64) -> Option<i64> {
    match base {
        0 | 1 => Some(if exponent == 0 { 1 } else { base }),
        -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}
