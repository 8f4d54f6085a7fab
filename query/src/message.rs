//! Values in messages.

use std::fmt;

use bson::Bson;
use bson::raw::RawBsonRef;

use crate::value::Value;

/// A value as a message shows it: JSON-like, or `MISSING`.
pub(crate) struct Shown<'v>(Option<RawBsonRef<'v>>);

/// A value for a message.
pub(crate) fn shown<'v>(value: &'v Value<'_>) -> Shown<'v> {
    Shown(value.get())
}

impl<'v> From<RawBsonRef<'v>> for Shown<'v> {
    fn from(value: RawBsonRef<'v>) -> Self {
        Self(Some(value))
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = self.0 else { return f.write_str("MISSING") };
        match Bson::try_from(value) {
            Ok(value) => value.fmt(f),
            Err(_) => f.write_str("a malformed value"),
        }
    }
}
