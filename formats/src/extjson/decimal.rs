//! Decimals in the format of the specification of Decimal128.

use bson::Decimal128;

/// Parses a decimal: `[+-]digits[.digits][e[+-]digits]`, `Infinity`, `Inf` or `NaN`, in any case.
/// None for anything else, or if the digits or the exponent do not fit.
///
/// The `bson` crate accepts more: it parses a number without digits as 0, and `sNaN`.
pub(in super::super) fn parse(text: &str) -> Option<Decimal128> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let word = ["infinity", "inf", "nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word));
    (word || is_number(unsigned)).then(|| text.parse().ok()).flatten()
}

/// Returns whether the text is digits with a point among, before or after them, and an optional
/// exponent.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && digits(exponent)
        && !exponent.is_empty()
}
