//! Text of doubles.

/// The text of a double in MongoDB's strings: as few digits as identify it, with an exponent below
/// 10^-4 and from 10^16 (the rules of the C++ library `fmt`, which the server uses).
pub fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// The text of a double in MongoDB's error messages: up to 6 digits, as C's `%g` has them.
pub fn short_text(number: f64) -> String {
    /// The digits after the first.
    const DIGITS: i32 = 5;
    if !number.is_finite() {
        return number.to_string().to_lowercase();
    }
    let scientific = format!("{number:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..=DIGITS).contains(&exponent) {
        let places = usize::try_from(DIGITS - exponent).unwrap_or_default();
        return without_zeros(&format!("{number:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(digits), exponent.unsigned_abs())
}

/// The digits without the zeros at the end of a fraction.
fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::{double_text, short_text};

    #[test]
    fn a_double_has_an_exponent_if_it_is_large_or_small() {
        let texts = [
            (1.0, "1"),
            (-0.0, "-0"),
            (2.5, "2.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e15, "1000000000000000"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (number, text) in texts {
            assert_eq!(double_text(number), text);
        }
    }

    #[test]
    fn a_double_in_a_message_has_up_to_6_digits() {
        let texts = [
            (-1.0, "-1"),
            (0.0, "0"),
            (1e10, "1e+10"),
            (1234.5678, "1234.57"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.23457e+06"),
            (0.000_012, "1.2e-05"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (number, text) in texts {
            assert_eq!(short_text(number), text);
        }
    }
}
