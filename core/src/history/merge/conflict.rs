//! Unresolved conflicts.

use bson::RawBson;
use serde::{Deserialize, Deserializer, Serialize};

use crate::document::Path;

/// The kind of change on the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Both changed it, differently, or alike if only one may.
    BothChanged,
    /// Ours changed it, theirs deleted it.
    ChangedAndDeleted,
    /// Ours deleted it, theirs changed it.
    DeletedAndChanged,
    /// Both inserted it, with different values.
    BothInserted,
    /// Both deleted it, if only one may.
    BothDeleted,
}

/// A path at which the sides conflict, with their values; `None` if absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// The path.
    #[serde(with = "crate::document::as_names")]
    pub path: Path,
    /// The cause.
    pub cause: Cause,
    /// The value before either side changed it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub base: Option<RawBson>,
    /// The value of ours.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub ours: Option<RawBson>,
    /// The value of theirs.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub theirs: Option<RawBson>,
    /// The reason why the strategy for this path, if any, does not resolve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Decodes a present value; null stays a value, which an `Option` would take for none.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<RawBson>, D::Error> {
    RawBson::deserialize(value).map(Some)
}
