//! Durations in settings, options and messages.

use std::time::Duration;

use jiff::fmt::friendly::{Spacing, SpanParser, SpanPrinter};
use jiff::{RoundMode, Span, SpanRelativeTo, SpanRound, Unit};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

static PARSER: SpanParser = SpanParser::new();
static PRINTER: SpanPrinter = SpanPrinter::new().spacing(Spacing::None);

/// Parses a duration in jiff's friendly format: numbers with units, the longest unit first, such as `30s`,
/// `15m`, `168h`, `7d`, `1h30m` or `2 weeks`. A day has 24 hours. `0` needs no unit.
///
/// # Errors
/// A sentence with the text and the expected form. Units above weeks are refused, because their length
/// depends on the calendar.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    if trimmed == "0" {
        return Ok(Duration::ZERO);
    }
    PARSER
        .parse_span(trimmed)
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .and_then(Duration::try_from)
        .map_err(|_| {
            format!(
                "invalid duration '{text}': expected a number with s, m, h or d, such as 15m, 168h or \
                 7d; the longest is 7304484d"
            )
        })
}

/// Parses a number of seconds, with or without a decimal point.
///
/// # Errors
/// A sentence with the text and the expected form.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| format!("invalid number of seconds '{text}': expected such as 30 or 0.5"))
}

/// Formats a duration in its two longest units, such as `7d`, `1h30m` or `0s`; smaller units are dropped.
/// [`parse_duration`] parses the result.
pub fn duration_text(duration: Duration) -> String {
    let smallest = match duration.as_secs() {
        ..3_600 => Unit::Second,
        3_600..86_400 => Unit::Minute,
        _ => Unit::Hour,
    };
    let round = SpanRound::new().largest(Unit::Day).smallest(smallest).mode(RoundMode::Trunc);
    let span = Span::try_from(duration).and_then(|span| span.round(round.days_are_24_hours()));
    // A span has at most 20,000 years.
    span.map_or_else(|_| format!("{}s", duration.as_secs()), |span| PRINTER.span_to_string(&span))
}

/// Deserializes a duration from its text.
pub(crate) fn from_text<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(input)?).map_err(D::Error::custom)
}

/// Deserializes a duration from its text; `None` for null.
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
    fn durations_are_parsed_in_each_unit() {
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
    fn durations_are_parsed_as_people_write_them() {
        for (text, seconds) in [
            ("1h 30m", 5_400.0),
            ("1.5h", 5_400.0),
            ("1w", 604_800.0),
            ("2 weeks", 1_209_600.0),
            ("7days", 604_800.0),
            ("500ms", 0.5),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
    }

    #[test]
    fn the_longest_duration_is_that_of_a_span() {
        assert!(parse_duration("7304484d").is_ok() && parse_duration("7304485d").is_err());
    }

    #[test]
    fn an_invalid_duration_is_refused_by_name() {
        for text in ["", " ", "7", "d", "-1s", "1h ago", "1mo", "30m1h", "1h1h", "7dogs"] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains(&format!("'{text}'")) && error.contains("15m"), "{error}");
        }
        for text in ["99999999999999999999s", "18446744073709551615d"] {
            assert!(parse_duration(text).unwrap_err().contains("longest is 7304484d"), "{text}");
        }
        for text in ["", "x", "-1", "1e400", "NaN"] {
            assert!(parse_seconds(text).unwrap_err().contains(&format!("'{text}'")));
        }
    }

    #[test]
    fn durations_are_shown_in_their_two_longest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (5_400, "1h30m"),
            (3_601, "1h"),
            (86_399, "23h59m"),
            (604_800, "7d"),
            (612_000, "7d2h"),
            (612_059, "7d2h"),
            (630_720_000_000, "7300000d"),
            (u64::MAX, "18446744073709551615s"),
        ] {
            assert_eq!(duration_text(Duration::from_secs(seconds)), text);
        }
        assert_eq!(duration_text(Duration::from_millis(1_999)), "1s");
        let day_and_two_hours = Duration::from_hours(26);
        assert_eq!(parse_duration(&duration_text(day_and_two_hours)), Ok(day_and_two_hours));
    }
}
