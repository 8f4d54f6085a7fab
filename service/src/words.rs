//! Numbers and times as a person reads them, alike in every front end.

use bson::DateTime;
use jiff::Timestamp;

/// Formats a time as RFC 3339 in UTC, always with three decimals.
pub fn time(time: DateTime) -> String {
    let millis = time.timestamp_millis();
    // The years up to 9999 have a text.
    Timestamp::from_millisecond(millis)
        .map_or_else(|_| format!("{millis} ms"), |time| format!("{time:.3}"))
}

/// A number with its digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things: `1 document`, `2,000 documents`.
pub fn count(number: u64, thing: &str) -> String {
    let plural = match thing.strip_suffix('y') {
        _ if number == 1 => return format!("1 {thing}"),
        Some(stem) => format!("{stem}ies"),
        None if thing.ends_with("ch") => format!("{thing}es"),
        None => format!("{thing}s"),
    };
    format!("{} {plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_decimals() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_700_000_000_850, "2023-11-14T22:13:20.850Z"),
            (i64::MAX, "9223372036854775807 ms"),
        ] {
            assert_eq!(time(DateTime::from_millis(millis)), text);
        }
    }

    #[test]
    fn numbers_are_grouped_and_things_are_counted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(count(1, "branch"), "1 branch");
        assert_eq!(count(2, "branch"), "2 branches");
        assert_eq!(count(0, "document"), "0 documents");
        assert_eq!(count(3, "history"), "3 histories");
    }
}
