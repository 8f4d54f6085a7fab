//! Conflicts and decisions, as JSON has them.

use argon_core::key::Key;
use argon_core::merge::{Cause, Choice, FieldConflict};
use argon_core::model::CollectionName;
use argon_core::plan::{Decisions, DocumentConflict};
use argon_formats::extjson::Mode;
use bson::RawBson;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::json::ExtJson;

/// The kind of what a conflict or a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanItem {
    /// A document.
    Document,
    /// The collection itself.
    Collection,
}

impl PlanItem {
    fn of(key: Option<&Key>) -> Self {
        if key.is_some() { Self::Document } else { Self::Collection }
    }
}

/// What happened on the two sides of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictCause {
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

impl From<Cause> for ConflictCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::BothChanged => Self::BothChanged,
            Cause::ChangedAndDeleted => Self::ChangedAndDeleted,
            Cause::DeletedAndChanged => Self::DeletedAndChanged,
            Cause::BothInserted => Self::BothInserted,
            Cause::BothDeleted => Self::BothDeleted,
        }
    }
}

/// A conflict that is left.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownConflict {
    /// The kind of what is in conflict.
    pub kind: PlanItem,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The `_id` of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ExtJson>,
    /// The path in the document or in the metadata of the collection; `(document)` for all of it.
    pub path: String,
    /// What happened on the two sides.
    pub cause: ConflictCause,
    /// The value before either side changed it, if it was present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<ExtJson>,
    /// The value on the branch, if it is present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<ExtJson>,
    /// The value in the other state, if it is present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<ExtJson>,
    /// Why the strategy for this path does not settle it, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ShownConflict {
    /// The conflicts of these documents, one by one.
    pub(super) fn all(documents: &[DocumentConflict], mode: Mode) -> Result<Vec<Self>> {
        let conflicts = documents.iter().flat_map(|document| {
            document.conflicts.iter().map(move |of| Self::of(document, of, mode))
        });
        conflicts.collect()
    }

    fn of(document: &DocumentConflict, conflict: &FieldConflict, mode: Mode) -> Result<Self> {
        let FieldConflict { path, cause, base, ours, theirs, note } = conflict;
        let [base, ours, theirs] = sides([base, ours, theirs], mode)?;
        Ok(Self {
            kind: PlanItem::of(document.key.as_ref()),
            collection: document.collection.clone(),
            id: document.key.as_ref().map(|key| id(key, mode)),
            path: path.to_string(),
            cause: (*cause).into(),
            base,
            ours,
            theirs,
            note: note.clone(),
        })
    }
}

/// The values of the sides, in a mode in which different ones look different: relaxed, an Int32 and an Int64
/// do not.
fn sides(values: [&Option<RawBson>; 3], mode: Mode) -> Result<[Option<ExtJson>; 3]> {
    let print = |mode| -> Result<[Option<ExtJson>; 3]> {
        let print = |value: &Option<RawBson>| {
            let value = value.as_ref().map(RawBson::as_raw_bson_ref);
            value.map(|value| ExtJson::value(value, mode)).transpose()
        };
        let [base, ours, theirs] = values;
        Ok([print(base)?, print(ours)?, print(theirs)?])
    };
    let printed = print(mode)?;
    let text = |side: usize| printed[side].as_ref().map(ExtJson::as_str);
    let alike = |one, other| text(one) == text(other) && values[one] != values[other];
    if alike(0, 1) || alike(0, 2) || alike(1, 2) { print(Mode::Canonical) } else { Ok(printed) }
}

/// How a conflict is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceKind {
    /// The value on the branch.
    Ours,
    /// The value in the other state.
    Theirs,
    /// The value before either side changed it.
    Base,
    /// Another value.
    Value,
    /// No value.
    Absent,
}

/// A decision about a conflict.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownDecision {
    /// The kind of what was decided about.
    pub kind: PlanItem,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The `_id` of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ExtJson>,
    /// The path; the decision counts for all conflicts at and below it.
    pub path: String,
    /// How it was decided.
    pub choice: ChoiceKind,
    /// The other value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<ExtJson>,
}

impl ShownDecision {
    pub(super) fn all(decisions: &Decisions, mode: Mode) -> Result<Vec<Self>> {
        let mut shown = Vec::new();
        for (collection, key, resolutions) in decisions.iter() {
            for (path, choice) in resolutions.iter() {
                let (choice, value) = match choice {
                    Choice::Ours => (ChoiceKind::Ours, None),
                    Choice::Theirs => (ChoiceKind::Theirs, None),
                    Choice::Base => (ChoiceKind::Base, None),
                    Choice::Absent => (ChoiceKind::Absent, None),
                    Choice::Value(value) => {
                        let value = ExtJson::value(value.as_raw_bson_ref(), mode)?;
                        (ChoiceKind::Value, Some(value))
                    }
                };
                shown.push(Self {
                    kind: PlanItem::of(key),
                    collection: collection.clone(),
                    id: key.map(|key| id(key, mode)),
                    path: path.to_string(),
                    choice,
                    value,
                });
            }
        }
        Ok(shown)
    }
}

pub(super) fn id(key: &Key, mode: Mode) -> ExtJson {
    ExtJson::bson(&key.to_bson(), mode)
}

/// A document in words: `users 1`; a collection itself by its name alone.
pub(super) fn place(collection: &CollectionName, key: Option<&Key>) -> String {
    let collection = collection.as_str();
    let collection = if collection.contains(char::is_control) {
        format!("{collection:?}")
    } else {
        collection.to_owned()
    };
    match key {
        Some(key) => format!("{collection} {}", id(key, Mode::Relaxed).as_str()),
        None => collection,
    }
}
