//! Other values as strings, as `$toUpper` and `$substrBytes` take them: MongoDB's
//! `Value::coerceToString` (`src/mongo/db/exec/document_value/value.cpp`).

use std::borrow::Cow;

use argon_core::Result;
use bson::Timestamp;
use bson::raw::RawBsonRef;

use crate::Code;
use crate::expression::operators::dates::{self, Zone};
use crate::number::Decimal;
use crate::value::{Value, type_name};

/// The significant digits of a double.
const DIGITS: i32 = 6;

/// The value as a string: empty if it is missing or null.
///
/// # Errors
/// 16007 for a type that has no such form.
pub(super) fn to_string<'v>(value: &'v Value<'_>) -> Result<Cow<'v, str>> {
    let Some(value) = value.get() else { return Ok(Cow::Borrowed("")) };
    Ok(match value {
        RawBsonRef::Null | RawBsonRef::Undefined => Cow::Borrowed(""),
        RawBsonRef::String(text) | RawBsonRef::Symbol(text) | RawBsonRef::JavaScriptCode(text) => {
            Cow::Borrowed(text)
        }
        RawBsonRef::Int32(number) => Cow::Owned(number.to_string()),
        RawBsonRef::Int64(number) => Cow::Owned(number.to_string()),
        RawBsonRef::Double(number) => Cow::Owned(double(number)),
        RawBsonRef::Decimal128(number) => Cow::Owned(Decimal::from(number).to_string()),
        RawBsonRef::DateTime(date) => {
            Cow::Owned(dates::format(dates::ISO_UTC, date.timestamp_millis(), &Zone::UTC)?)
        }
        RawBsonRef::Timestamp(timestamp) => Cow::Owned(pretty(timestamp)?),
        other => {
            return Err(Code::location(16007)
                .error(format!("can't convert from BSON type {} to String", type_name(other))));
        }
    })
}

/// As C's `%g`.
fn double(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..DIGITS).contains(&exponent) {
        let places = usize::try_from(DIGITS - 1 - exponent).unwrap_or_default();
        return without_trailing_zeros(&format!("{number:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_trailing_zeros(digits), exponent.abs())
}

fn without_trailing_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// The month, day and time, and the increment: `Jul  7 09:00:00:1`.
fn pretty(timestamp: Timestamp) -> Result<String> {
    let time = i64::from(timestamp.time) * 1000;
    let day = dates::format("%d", time, &Zone::UTC)?;
    let month = dates::format("%b", time, &Zone::UTC)?;
    let clock = dates::format("%H:%M:%S", time, &Zone::UTC)?;
    let day = day.trim_start_matches('0');
    Ok(format!("{month} {day:>2} {clock}:{}", timestamp.increment))
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    fn doubles_have_six_digits() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (0.1 + 0.2, "0.3"),
            (123_456.5, "123456"),
            (999_999.5, "1e+06"),
            (123_456_789.0, "1.23457e+08"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-123.25e100, "-1.2325e+102"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(double(number), text);
        }
    }
}
