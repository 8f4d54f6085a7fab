//! Lengths of time, as they are given and as they are shown.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The units, the longest first, in seconds.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// What a person gives as a length of time: whole numbers with units, the longest first, such as
/// `30s`, `15m`, `168h`, `7d` or `1h30m`. `0` needs no unit.
///
/// # Errors
/// A sentence that says what was given and what is expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || {
        format!(
            "'{text}' is no length of time: a number with s, m, h or d, such as 15m, 168h or 7d"
        )
    };
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut units, mut seconds) = (UNITS.as_slice(), 0_u64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
        let (number, after) = rest.split_at(end);
        let unit = units.iter().position(|(name, _)| after.starts_with(name));
        let (at, number) = unit.zip(number.parse::<u64>().ok()).ok_or_else(expected)?;
        let more = number.checked_mul(units[at].1).and_then(|more| seconds.checked_add(more));
        seconds = more.ok_or_else(|| format!("'{text}' is too long"))?;
        rest = &after[units[at].0.len()..];
        units = &units[at + 1..];
    }
    if text.trim().is_empty() { Err(expected()) } else { Ok(Duration::from_secs(seconds)) }
}

/// What a person gives as a number of seconds, with or without a decimal point.
///
/// # Errors
/// A sentence that says what was given, or why it is none.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().map_err(|_| format!("'{text}' is not a number of seconds"))?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// A length of time in its two longest units, such as `7d`, `1h30m` or `0s`, in the form that
/// [`parse_duration`] reads. What is less than the second of them is left out.
pub fn duration_text(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let longest = UNITS.iter().position(|(_, seconds)| *seconds <= rest).unwrap_or(UNITS.len() - 1);
    let mut text = String::new();
    for (name, seconds) in UNITS.iter().skip(longest).take(2) {
        let number = rest / seconds;
        rest %= seconds;
        if number > 0 {
            text += &format!("{number}{name}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Reads a length of time in a request.
pub(crate) fn from_text<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(input)?).map_err(D::Error::custom)
}

/// [`from_text`] that need not be there.
pub(crate) fn from_optional_text<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    text.map(|text| parse_duration(&text).map_err(D::Error::custom)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("0", 0),
            ("0s", 0),
            ("30s", 30),
            ("15m", 900),
            ("24h", 86_400),
            ("168h", 604_800),
            (" 7d ", 604_800),
            ("1h30m", 5_400),
            ("1d2h3m4s", 93_784),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_by_name() {
        for text in ["", " ", "7", "d", "-1s", "1.5h", "1w", "1h 30m", "30m1h", "1h1h", "7days"] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains(&format!("'{text}'")) && error.contains("15m"), "{error}");
        }
        for text in ["99999999999999999999s", "18446744073709551615d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_of_time_are_shown_in_their_two_longest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (5_400, "1h30m"),
            (3_601, "1h"),
            (86_399, "23h59m"),
            (604_800, "7d"),
            (612_000, "7d2h"),
        ] {
            assert_eq!(duration_text(Duration::from_secs(seconds)), text);
        }
        assert_eq!(duration_text(Duration::from_millis(1_999)), "1s");
        let day_and_two_hours = Duration::from_hours(26);
        assert_eq!(parse_duration(&duration_text(day_and_two_hours)), Ok(day_and_two_hours));
    }
}
