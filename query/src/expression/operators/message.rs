//! Values in messages.

use bson::Bson;

use crate::value::Value;

/// A value in a message.
pub(super) fn shown(value: &Value<'_>) -> String {
    match value.get().map(Bson::try_from) {
        None => "missing".to_owned(),
        Some(value) => value.map_or_else(|error| error.to_string(), |value| value.to_string()),
    }
}
