use argon_core::patch::{Conflict, ConflictReason, MisfitReason};
use argon_formats::extjson::Mode;
use bson::raw::RawBson;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::json::ExtJson;

/// A place where a patch does not fit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PatchConflict {
    /// Always `conflict`.
    pub kind: &'static str,
    /// The collection.
    pub collection: String,
    /// The `_id` of the document; none if the collection itself does not fit.
    pub id: Option<ExtJson>,
    /// The path in the document, or `options` or `indexes` of a collection; none for all of it.
    pub path: Option<String>,
    /// What does not fit, in words.
    pub problem: &'static str,
    /// The value that the patch expects; none if it expects none.
    pub expected: Option<ExtJson>,
    /// The value that exists; none if none exists.
    pub found: Option<ExtJson>,
}

impl PatchConflict {
    pub(super) fn of(conflict: &Conflict) -> Result<Self> {
        let value = |value: &RawBson| ExtJson::value(value.as_raw_bson_ref(), Mode::Relaxed);
        let (expected, found) = match &conflict.reason {
            ConflictReason::Field { expected, found, .. } => (expected.as_ref(), found.as_ref()),
            _ => (None, None),
        };
        let id = conflict.key.as_ref().map(|key| ExtJson::bson(&key.to_bson(), Mode::Relaxed));
        Ok(Self {
            kind: "conflict",
            collection: conflict.collection.to_string(),
            id,
            path: Some(&conflict.path).filter(|path| !path.is_document()).map(ToString::to_string),
            problem: problem(&conflict.reason),
            expected: expected.map(value).transpose()?,
            found: found.map(value).transpose()?,
        })
    }
}

fn problem(reason: &ConflictReason) -> &'static str {
    match reason {
        ConflictReason::Missing => "it does not exist",
        ConflictReason::Exists => "another one exists already",
        ConflictReason::Differs => "it differs from the patch",
        ConflictReason::Unknown => "the patch drops the collection and does not have this document",
        ConflictReason::Already => "the change exists already, which a strict request refuses",
        ConflictReason::Field { reason, .. } => match reason {
            MisfitReason::Value => "the value differs from the patch",
            MisfitReason::NotInside => "it has no fields or elements to change",
            MisfitReason::Length => "the length of the array differs",
            MisfitReason::Order => "the order of the fields differs",
            MisfitReason::Ambiguous => "two fields have the same name",
            MisfitReason::Already => "the change exists already",
        },
    }
}
