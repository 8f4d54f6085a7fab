//! Lengths of time, as they are shown and as they are given.

use std::time::Duration;

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// What a person gives as a length of time: `30s`, `15m`, `24h`, `7d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("'{text}' is no length of time, such as 30s, 15m, 24h or 7d");
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(unit)).ok_or_else(expected)?;
    let number = text[..text.len() - 1].parse::<u64>().map_err(|_| expected())?;
    let seconds = number.checked_mul(unit.1).ok_or_else(|| format!("'{text}' is too much"))?;
    Ok(Duration::from_secs(seconds))
}

/// A length of time in its two largest units: `1h 30m`.
pub(crate) fn duration_text(duration: Duration) -> String {
    let mut left = duration.as_secs();
    let mut parts = Vec::new();
    for (unit, seconds) in UNITS {
        let number = left / seconds;
        left %= seconds;
        if number > 0 && parts.len() < 2 {
            parts.push(format!("{number}{unit}"));
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_in_each_unit() {
        for (text, seconds) in [("30s", 30), ("15m", 900), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "5", "h", "-1h", "1.5h", "1w", "99999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_of_time_are_shown_in_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (5_430, "1h 30m"),
            (86_460, "1d"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(duration_text(Duration::from_secs(seconds)), text);
        }
    }
}
