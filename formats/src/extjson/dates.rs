//! Dates in Extended JSON, and in the formats of older tools.

use bson::DateTime;

/// 9999-12-31T23:59:59.999Z, the last date that ISO 8601 represents with a year of four digits.
const LAST_ISO_MILLIS: i64 = 253_402_300_799_999;

/// Parses RFC 3339, and its variants in MongoDB's older tools: an offset without a colon, no
/// seconds, a date alone. Digits beyond milliseconds are dropped.
pub(super) fn parse(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00Z"));
    let (clock, offset) = time.split_at_checked(time.find(['Z', 'z', '+', '-'])?)?;
    let seconds = if clock.len() == "00:00".len() { ":00" } else { "" };
    let offset = match offset.split_at_checked(3) {
        Some((hours, "")) => format!("{hours}:00"),
        Some((hours, minutes)) => format!("{hours}:{}", minutes.trim_start_matches(':')),
        None => offset.to_uppercase(),
    };
    DateTime::parse_rfc3339_str(format!("{date}T{clock}{seconds}{offset}")).ok()
}

/// The ISO 8601 form for years 1970 to 9999, with three decimals if there are milliseconds; none
/// outside of them, where Extended JSON has the number instead.
pub(super) fn print(date: DateTime) -> Option<String> {
    let millis = date.timestamp_millis();
    if !(0..=LAST_ISO_MILLIS).contains(&millis) {
        return None;
    }
    let fraction = millis % 1000;
    let whole = DateTime::from_millis(millis - fraction).try_to_rfc3339_string().ok()?;
    if fraction == 0 {
        return Some(whole);
    }
    Some(format!("{}.{fraction:03}Z", whole.trim_end_matches('Z')))
}
