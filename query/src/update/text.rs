//! Values in messages.

use bson::raw::{RawBsonRef, RawDocument};

use crate::value::Value;

/// A field with its value, as `a: 5`.
pub(super) fn element(name: &str, value: &Value<'_>) -> String {
    format!("{name}: {}", of(value))
}

/// The `_id` of a document as a field, or `no id`.
pub(super) fn id(document: &RawDocument) -> String {
    match document.get("_id") {
        Ok(Some(id)) => element("_id", &Value::Ref(id)),
        _ => "no id".to_owned(),
    }
}

fn of(value: &Value<'_>) -> String {
    match value.get().map(bson::Bson::try_from) {
        Some(Ok(value)) => value.to_string(),
        Some(Err(_)) => "(malformed)".to_owned(),
        None => "missing".to_owned(),
    }
}

/// A number in a message; the value as it is for other types.
pub(super) fn plain(value: RawBsonRef<'_>) -> String {
    of(&Value::Ref(value))
}
