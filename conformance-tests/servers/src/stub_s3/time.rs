//! Times as S3 writes them.

use bson::DateTime;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The time so many seconds after 1970 began, as RFC 3339 has it: `2023-11-14T22:13:20Z`.
pub(super) fn in_listings(seconds: i64) -> String {
    let time = DateTime::from_millis(seconds.saturating_mul(1000));
    time.try_to_rfc3339_string().unwrap_or_default()
}

/// The same in the header `date`: `Tue, 14 Nov 2023 22:13:20 GMT`.
pub(super) fn in_headers(seconds: i64) -> String {
    let text = in_listings(seconds);
    let (date, time) = text.trim_end_matches('Z').split_once('T').unwrap_or_default();
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let month = month.and_then(|month| MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?));
    // The first day of 1970 was a Thursday.
    let weekday = usize::try_from(seconds.div_euclid(24 * 3600).rem_euclid(7)).unwrap_or(0);
    format!(
        "{}, {} {} {} {time} GMT",
        DAYS[weekday],
        day.unwrap_or_default(),
        month.unwrap_or(&""),
        year.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_standards_have_them() {
        assert_eq!(in_listings(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(in_headers(1_700_000_000), "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(in_headers(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(in_headers(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
