//! Arithmetic of times, within their bounds.

use std::time::Duration;

use bson::DateTime;

/// Returns a later time.
pub(crate) fn after(time: DateTime, by: Duration) -> DateTime {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(time.timestamp_millis().saturating_add(millis))
}

/// Returns an earlier time.
pub(crate) fn ago(time: DateTime, by: Duration) -> DateTime {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(time.timestamp_millis().saturating_sub(millis))
}
