//! Times before and after others.

use std::time::Duration;

use bson::DateTime;

/// A time that much later.
pub(crate) fn after(time: DateTime, by: Duration) -> DateTime {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(time.timestamp_millis().saturating_add(millis))
}

/// A time that much earlier.
pub(crate) fn ago(time: DateTime, by: Duration) -> DateTime {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(time.timestamp_millis().saturating_sub(millis))
}
