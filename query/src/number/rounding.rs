//! Rounding to a decimal place.

use super::{Decimal, Number, Rounding};

impl Decimal {
    /// The number with this many digits after the point; without so many digits if it has no more
    /// than 34 in all. NaN of an infinity.
    #[must_use]
    pub fn round_to(self, places: i32, rounding: Rounding) -> Self {
        let rounded = self.quantize_to(-places, rounding);
        if rounded.is_nan() && self.is_finite() { self.normalize() } else { rounded }
    }
}

/// Rounds to a number of digits after the point, or before it if `places` is negative, as `$round`
/// and `$trunc` do: from -20 to 100 places. `None` if an integer's result is beyond 64 bits.
pub fn round(number: Number, places: i32, rounding: Rounding) -> Option<Number> {
    Some(match number {
        Number::Int(_) | Number::Long(_) if places >= 0 => number,
        Number::Int(_) | Number::Long(_) => {
            let rounded = number.to_decimal().round_to(places, rounding);
            let result = rounded.to_long(Rounding::TiesToEven)?;
            let is_long = matches!(number, Number::Long(_)) || result > i32::MAX.into();
            if is_long {
                Number::Long(result)
            } else {
                // The server wraps an int that rounds to below -2^31.
                #[expect(clippy::cast_possible_truncation, reason = "so does the server")]
                Number::Int(result as i32)
            }
        }
        Number::Double(double) if double.is_infinite() => number,
        Number::Double(double) => Number::Double(
            Decimal::from_double_in_full(double).round_to(places, rounding).to_double(),
        ),
        Number::Decimal(decimal) if decimal.is_infinite() => number,
        Number::Decimal(decimal) => Number::Decimal(decimal.round_to(places, rounding)),
    })
}
