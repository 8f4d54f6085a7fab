//! What nobody has decided yet.

use bson::RawBson;
use serde::{Deserialize, Deserializer, Serialize};

use crate::document::Path;

/// What happened on the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Both changed it, to different values, or to the same where only one may.
    BothChanged,
    /// Ours changed it, theirs deleted it.
    ChangedAndDeleted,
    /// Ours deleted it, theirs changed it.
    DeletedAndChanged,
    /// Both inserted it, with different values.
    BothInserted,
    /// Both deleted it, where only one may.
    BothDeleted,
}

/// A path at which the sides contradict each other, with the values there; absent ones are `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// Where.
    #[serde(with = "crate::document::as_names")]
    pub path: Path,
    /// What happened.
    pub cause: Cause,
    /// What was there before either side changed it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub base: Option<RawBson>,
    /// What ours has there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub ours: Option<RawBson>,
    /// What theirs has there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub theirs: Option<RawBson>,
    /// Why the strategy for this path does not settle it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A value that is there, also if it is null, which an `Option` would take for none.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<RawBson>, D::Error> {
    RawBson::deserialize(value).map(Some)
}
