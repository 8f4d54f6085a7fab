//! Exact sums of doubles and integers.

use crate::number::Decimal;

/// 2^63.
const BEYOND_LONG: f64 = 9_223_372_036_854_775_808.0;

/// A sum that is kept as two doubles: the nearest to the sum, and what remains. Sums of integers
/// are exact up to 2^106, so the order of additions does not matter to them.
///
/// The additions are `2Sum` (Knuth, "The Art of Computer Programming" 2, 4.2.2, theorem B) and
/// `Fast2Sum` (Dekker, "A floating-point technique for extending the available precision", 1971), in
/// the sequence of the server's `DoubleDoubleSummation` (`util/summation.h`), so that results are
/// the same to the last bit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DoubleDouble {
    sum: f64,
    rest: f64,
    /// The plain sum, which is right if an addend is infinite.
    plain: f64,
}

impl DoubleDouble {
    /// Adds a double.
    pub(crate) fn add_double(&mut self, number: f64) {
        self.plain += number;
        let (number, rest) = fast_two_sum(number, self.rest);
        let (sum, lost) = two_sum(self.sum, number);
        self.sum = sum;
        self.rest = rest + lost;
    }

    /// Adds an integer: as two doubles, each of which holds half of its bits.
    #[expect(clippy::cast_precision_loss, reason = "both halves have at most 32 bits that count")]
    pub(crate) fn add_long(&mut self, number: i64) {
        const HALF: i64 = 1 << 32;
        let high = number / HALF * HALF;
        self.add_double((number - high) as f64);
        self.add_double(high as f64);
    }

    /// The nearest double.
    pub(crate) fn to_double(self) -> f64 {
        if self.sum.is_nan() { self.plain } else { self.sum }
    }

    /// The nearest double and what remains.
    pub(crate) fn parts(self) -> (f64, f64) {
        if self.sum.is_nan() { (self.plain, 0.0) } else { (self.sum, self.rest) }
    }

    /// Adds a sum.
    pub(crate) fn add_parts(&mut self, (sum, rest): (f64, f64)) {
        self.add_double(sum);
        // Infinity has no remainder: it would make the sum NaN.
        if sum.is_finite() || !rest.is_nan() {
            self.add_double(rest);
        }
    }

    /// The sum as a decimal.
    pub(crate) fn to_decimal(self) -> Decimal {
        if self.sum.is_finite() {
            let rest = Decimal::from_double_in_full(self.rest);
            Decimal::from_double_in_full(self.sum).add(rest)
        } else {
            Decimal::from_double_in_full(self.plain)
        }
    }

    /// The sum rounded to an integer; `None` if it does not fit in 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    pub(crate) fn to_long(self) -> Option<i64> {
        if self.sum > -BEYOND_LONG && self.sum < BEYOND_LONG {
            let rounded = self.sum.round();
            let rest = (self.sum - rounded + self.rest).round();
            return (rounded as i64).checked_add(rest as i64);
        }
        // The remainder decides whether the sum is within the bound that it was rounded to.
        if self.sum == BEYOND_LONG && self.rest < -0.5 {
            return i64::MAX.checked_add(self.rest.round() as i64 + 1);
        }
        if self.sum == -BEYOND_LONG && self.rest >= -0.5 {
            return i64::MIN.checked_add(self.rest.round() as i64);
        }
        None
    }
}

fn fast_two_sum(larger: f64, smaller: f64) -> (f64, f64) {
    let sum = larger + smaller;
    (sum, smaller - (sum - larger))
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let a_part = sum - b;
    let b_part = sum - a_part;
    (sum, (a - a_part) + (b - b_part))
}
