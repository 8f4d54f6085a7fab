//! The rounding of `granularity`: preferred numbers and powers of two.
//!
//! Follows `granularity_rounder_*.cpp` of the server, with its series: `R40` lacks 335, and `R80` has
//! only what `R40` has not.

use argon_core::Result;
use bson::raw::RawBson;

use crate::Code;

const R5: &[f64] = &[10.0, 16.0, 25.0, 40.0, 63.0];
const R10: &[f64] = &[100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0];
const R20: &[f64] = &[
    100.0, 112.0, 125.0, 140.0, 160.0, 180.0, 200.0, 224.0, 250.0, 280.0, 315.0, 355.0, 400.0,
    450.0, 500.0, 560.0, 630.0, 710.0, 800.0, 900.0,
];
const R40: &[f64] = &[
    100.0, 106.0, 112.0, 118.0, 125.0, 132.0, 140.0, 150.0, 160.0, 170.0, 180.0, 190.0, 200.0,
    212.0, 224.0, 236.0, 250.0, 265.0, 280.0, 300.0, 315.0, 355.0, 375.0, 400.0, 425.0, 450.0,
    475.0, 500.0, 530.0, 560.0, 600.0, 630.0, 670.0, 710.0, 750.0, 800.0, 850.0, 900.0, 950.0,
];
const R80: &[f64] = &[
    103.0, 109.0, 115.0, 122.0, 128.0, 136.0, 145.0, 155.0, 165.0, 175.0, 185.0, 195.0, 206.0,
    218.0, 230.0, 243.0, 258.0, 272.0, 290.0, 307.0, 325.0, 345.0, 365.0, 387.0, 412.0, 437.0,
    462.0, 487.0, 515.0, 545.0, 575.0, 615.0, 650.0, 690.0, 730.0, 775.0, 825.0, 875.0, 925.0,
    975.0,
];
const ONE_TWO_FIVE: &[f64] = &[10.0, 20.0, 50.0];
const E6: &[f64] = &[10.0, 15.0, 22.0, 33.0, 47.0, 68.0];
const E12: &[f64] = &[10.0, 12.0, 15.0, 18.0, 22.0, 27.0, 33.0, 39.0, 47.0, 56.0, 68.0, 82.0];
const E24: &[f64] = &[
    10.0, 11.0, 12.0, 13.0, 15.0, 16.0, 18.0, 20.0, 22.0, 24.0, 27.0, 30.0, 33.0, 36.0, 39.0, 43.0,
    47.0, 51.0, 56.0, 62.0, 68.0, 75.0, 82.0, 91.0,
];

/// Rounds the boundaries of buckets.
#[derive(Debug)]
pub(super) enum Granularity {
    /// To numbers of a series, times powers of ten.
    Series(Vec<f64>),
    /// To powers of two.
    PowersOf2,
}

impl Granularity {
    /// The rounding of a name, such as `R5`.
    pub(super) fn named(name: &str) -> Result<Self> {
        let series = match name {
            "R5" => R5.to_vec(),
            "R10" => R10.to_vec(),
            "R20" => R20.to_vec(),
            "R40" => R40.to_vec(),
            "R80" => R80.to_vec(),
            "1-2-5" => ONE_TWO_FIVE.to_vec(),
            "E6" => E6.to_vec(),
            "E12" => E12.to_vec(),
            "E24" => E24.to_vec(),
            "E48" => geometric(48),
            "E96" => geometric(96),
            "E192" => geometric(192),
            "POWERSOF2" => return Ok(Self::PowersOf2),
            name => {
                return Err(
                    Code::location(40257).error(format!("Unknown rounding granularity '{name}'"))
                );
            }
        };
        Ok(Self::Series(series))
    }

    /// The least boundary above a value; zero stays zero.
    pub(super) fn round_up(&self, value: &RawBson) -> RawBson {
        self.round(value, up, |exponent| exponent.floor() + 1.0)
    }

    /// The greatest boundary below a value; zero stays zero.
    pub(super) fn round_down(&self, value: &RawBson) -> RawBson {
        self.round(value, down, |exponent| exponent.ceil() - 1.0)
    }

    fn round(
        &self,
        value: &RawBson,
        in_series: fn(&[f64], f64) -> f64,
        of_exponent: fn(f64) -> f64,
    ) -> RawBson {
        let number = double(value);
        let is_decimal = matches!(value, RawBson::Decimal128(_));
        if number == 0.0 {
            return match self {
                Self::Series(_) => value.clone(),
                Self::PowersOf2 => RawBson::Int32(0),
            };
        }
        let rounded = match self {
            Self::Series(series) => in_series(series, number),
            Self::PowersOf2 => of_exponent(number.log2()).exp2(),
        };
        if is_decimal { decimal(rounded) } else { RawBson::Double(rounded) }
    }
}

/// The series of IEC 60063 with three digits, which has one exception to its rule.
fn geometric(steps: u32) -> Vec<f64> {
    let rounded = |step: u32| {
        let number = (100.0 * 10_f64.powf(f64::from(step) / f64::from(steps))).round();
        if steps == 192 && step == 185 { 920.0 } else { number }
    };
    (0..steps).map(rounded).collect()
}

fn ends(series: &[f64]) -> (f64, f64) {
    (series.first().copied().unwrap_or(1.0), series.last().copied().unwrap_or(1.0))
}

fn up(series: &[f64], number: f64) -> f64 {
    let (first, last) = ends(series);
    let mut multiplier = 1.0;
    while number >= last * multiplier {
        multiplier *= 10.0;
    }
    while number < first * multiplier {
        let least = first * multiplier;
        multiplier /= 10.0;
        if number >= last * multiplier {
            // Between the last number of a decade and the first of the next.
            return least;
        }
    }
    let place = series.partition_point(|step| step * multiplier <= number);
    series.get(place).map_or(last, |step| *step) * multiplier
}

fn down(series: &[f64], number: f64) -> f64 {
    let (first, last) = ends(series);
    let mut multiplier = 1.0;
    while number <= first * multiplier {
        multiplier /= 10.0;
    }
    while number > last * multiplier {
        let greatest = last * multiplier;
        multiplier *= 10.0;
        if number <= first * multiplier {
            return greatest;
        }
    }
    let place = series.partition_point(|step| step * multiplier < number);
    series.get(place.saturating_sub(1)).map_or(first, |step| *step) * multiplier
}

/// The value as a double; NaN if it is not a number.
pub(super) fn double(value: &RawBson) -> f64 {
    match value {
        RawBson::Int32(number) => f64::from(*number),
        #[expect(clippy::cast_precision_loss, reason = "as the server converts it")]
        RawBson::Int64(number) => *number as f64,
        RawBson::Double(number) => *number,
        RawBson::Decimal128(number) => number.to_string().parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

/// A boundary as a decimal: its shortest decimal form, because its parts are decimal numbers.
fn decimal(number: f64) -> RawBson {
    number.to_string().parse().map_or(RawBson::Double(number), RawBson::Decimal128)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(name: &str, number: f64) -> (RawBson, RawBson) {
        let granularity = Granularity::named(name).unwrap();
        let number = RawBson::Double(number);
        (granularity.round_down(&number), granularity.round_up(&number))
    }

    #[test]
    fn numbers_are_rounded_to_their_neighbours_in_the_series() {
        let of = |name, number| rounded(name, number);
        let doubles = |a, b| (RawBson::Double(a), RawBson::Double(b));
        assert_eq!(of("R5", 17.0), doubles(16.0, 25.0));
        assert_eq!(of("R5", 16.0), doubles(10.0, 25.0));
        assert_eq!(of("R5", 70.0), doubles(63.0, 100.0));
        assert_eq!(of("E6", 0.8), doubles(0.68, 1.0));
        assert_eq!(of("1-2-5", 1.0), doubles(0.5, 2.0));
        assert_eq!(of("POWERSOF2", 16.0), doubles(8.0, 32.0));
        assert_eq!(of("POWERSOF2", 0.7), doubles(0.5, 1.0));
    }

    #[test]
    fn the_computed_series_have_the_known_numbers() {
        let e48: Vec<f64> = geometric(48);
        assert_eq!(e48[..6], [100.0, 105.0, 110.0, 115.0, 121.0, 127.0]);
        assert_eq!(e48[47..], [953.0]);
        assert_eq!(geometric(96)[95..], [976.0]);
        assert_eq!(
            geometric(192)[183..],
            [898.0, 909.0, 920.0, 931.0, 942.0, 953.0, 965.0, 976.0, 988.0]
        );
    }
}
