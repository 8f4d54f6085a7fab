//! The items that changes are listed as.

use std::collections::BTreeMap;

use argon_core::CollectionInfo;
use argon_core::diff::{CollectionDiff, DocumentDiff, FieldChange};
use argon_core::model::{Commit, Digest, Document};
use argon_formats::extjson::Mode;
use bson::Bson;
use bson::raw::RawBson;
use schemars::JsonSchema;
use serde::Serialize;

use super::Listing;
use crate::Result;
use crate::json::{self, ExtJson, Origin, Time};

/// An item of the changes of a commit, or of the differences between two states.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shown {
    /// The two states that are compared: the first item of a comparison.
    States(ComparedStates),
    /// The commit itself: the first item of a commit.
    Commit(ShownCommit),
    /// A collection whose metadata differs.
    Collection(Box<CollectionChange>),
    /// A document that differs.
    Document(DocumentChange),
    /// The numbers of a collection, in place of its changes.
    Numbers(Numbers),
    /// The numbers in all: the last item of a comparison, which is incomplete without it.
    Summary(Summary),
}

/// The two states that are compared.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparedStates {
    /// The state before.
    pub from: ComparedState,
    /// The state after.
    pub to: ComparedState,
}

/// A state that is compared.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparedState {
    /// The revision that names it.
    pub revision: String,
    /// The branch or the pin that the revision is of.
    pub branch: String,
    /// Its position.
    pub lsn: u64,
}

/// The numbers in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// The number of added documents.
    pub added: u64,
    /// The number of changed documents.
    pub changed: u64,
    /// The number of removed documents.
    pub removed: u64,
    /// The number of collections that differ, in documents or metadata.
    pub collections: u64,
    /// The number of commits that only the backup keeps after a reset; of the preview of a reset only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commits_left_behind: Option<u64>,
}

/// A commit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownCommit {
    /// The branch by which it was named.
    pub branch: String,
    /// Its position.
    pub lsn: u64,
    /// When it was made.
    pub time: Time,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub message: String,
    /// What produced it.
    pub origin: Origin,
    /// What programs noted about it, by key.
    pub trailers: BTreeMap<String, String>,
    /// Its digest, which covers all before.
    #[schemars(with = "String")]
    pub digest: Digest,
}

impl ShownCommit {
    /// A commit of the history that `branch` names.
    pub fn of(commit: &Commit, branch: &str) -> Self {
        let meta = &commit.meta;
        Self {
            branch: branch.to_owned(),
            lsn: meta.lsn.get(),
            time: Time(meta.time),
            actor: meta.actor.to_string(),
            message: meta.message.as_str().to_owned(),
            origin: Origin::from(&meta.origin),
            trailers: json::trailers(&meta.trailers),
            digest: commit.digest,
        }
    }
}

/// How a collection differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CollectionChangeKind {
    /// It was created.
    Created,
    /// It was dropped.
    Dropped,
    /// Its name, options or indexes were changed.
    Changed,
}

/// A collection whose metadata differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CollectionChange {
    /// The collection.
    pub collection: String,
    /// How it differs.
    pub change: CollectionChangeKind,
    /// The number of its documents, which were added or removed with it, if they are not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    /// Its metadata before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<CollectionDefinition>,
    /// Its metadata after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<CollectionDefinition>,
}

/// The metadata of a collection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CollectionDefinition {
    /// Its name.
    pub name: String,
    /// Its options.
    pub options: ExtJson,
    /// The definitions of its indexes.
    pub indexes: Vec<ExtJson>,
    /// The same with all types.
    #[serde(skip)]
    pub info: CollectionInfo,
}

impl From<&CollectionInfo> for CollectionDefinition {
    fn from(info: &CollectionInfo) -> Self {
        let json = |document: &bson::Document| {
            ExtJson::bson(&Bson::Document(document.clone()), Mode::Relaxed)
        };
        Self {
            name: info.name.to_string(),
            options: json(&info.options),
            indexes: info.indexes.iter().map(json).collect(),
            info: info.clone(),
        }
    }
}

impl CollectionChange {
    /// How a collection differs; `documents` is the number of its documents that are not listed.
    pub(super) fn of(diff: &CollectionDiff, documents: Option<u64>) -> Self {
        let (change, before, after) = match diff {
            CollectionDiff::Created(info) => (CollectionChangeKind::Created, None, Some(info)),
            CollectionDiff::Dropped(info) => (CollectionChangeKind::Dropped, Some(info), None),
            CollectionDiff::Changed { before, after } => {
                (CollectionChangeKind::Changed, Some(before), Some(after))
            }
        };
        let name = after.or(before).map(|info| info.name.to_string());
        Self {
            collection: name.unwrap_or_default(),
            change,
            documents,
            before: before.map(CollectionDefinition::from),
            after: after.map(CollectionDefinition::from),
        }
    }
}

/// How a document differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentChangeKind {
    /// It was added.
    Added,
    /// It was removed.
    Removed,
    /// It was changed.
    Changed,
}

/// A document that differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DocumentChange {
    /// Its collection.
    pub collection: String,
    /// How it differs.
    pub change: DocumentChangeKind,
    /// Its `_id`.
    pub id: ExtJson,
    /// The document before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<ExtJson>,
    /// The document after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<ExtJson>,
    /// The fields that differ, if they were requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<FieldDifference>>,
}

impl DocumentChange {
    /// How a document differs.
    ///
    /// # Errors
    /// For a document that is not valid.
    pub(super) fn of(diff: &DocumentDiff, listing: Listing) -> Result<Self> {
        let mode = listing.mode();
        let change = match (&diff.before, &diff.after) {
            (None, Some(_)) => DocumentChangeKind::Added,
            (_, None) => DocumentChangeKind::Removed,
            (Some(_), Some(_)) => DocumentChangeKind::Changed,
        };
        let id = match diff.after.as_ref().or(diff.before.as_ref()) {
            Some(document) => ExtJson::id_of(document.as_raw(), mode)?,
            None => ExtJson::text(&diff.key.to_string()),
        };
        let is_shown = change != DocumentChangeKind::Changed || listing.has_documents();
        let side = |document: &Option<Document>| {
            let document = document.as_ref().filter(|_| is_shown);
            document.map(|shown| ExtJson::document(shown.as_raw(), mode)).transpose()
        };
        let fields = match (&diff.before, &diff.after) {
            (Some(before), Some(after)) if listing.has_fields() => {
                let changes = argon_core::diff::fields(before.as_raw(), after.as_raw())?;
                let each = changes.iter().map(|change| FieldDifference::of(change, mode));
                Some(each.collect::<Result<Vec<_>>>()?)
            }
            _ => None,
        };
        Ok(Self {
            collection: diff.collection.to_string(),
            change,
            id,
            before: side(&diff.before)?,
            after: side(&diff.after)?,
            fields,
        })
    }
}

/// A field that differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FieldDifference {
    /// Its path: `address.city`, `tags.2`.
    pub path: String,
    /// Its value before, if it was present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<ExtJson>,
    /// Its value after, if it is present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<ExtJson>,
}

impl FieldDifference {
    /// How a field differs; canonical if both values look alike in `mode`.
    ///
    /// # Errors
    /// For a value that is not valid.
    pub fn of(change: &FieldChange, mode: Mode) -> Result<Self> {
        let print = |value: &Option<RawBson>, mode| {
            let value = value.as_ref().map(RawBson::as_raw_bson_ref);
            value.map(|value| ExtJson::value(value, mode)).transpose()
        };
        let (mut before, mut after) = (print(&change.before, mode)?, print(&change.after, mode)?);
        if before.as_ref().map(ExtJson::as_str) == after.as_ref().map(ExtJson::as_str) {
            // Relaxed, an Int32 and an Int64 look the same.
            let canonical = Mode::Canonical;
            (before, after) = (print(&change.before, canonical)?, print(&change.after, canonical)?);
        }
        Ok(Self { path: change.path.to_string(), before, after })
    }
}

/// The numbers of a collection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Numbers {
    /// The collection.
    pub collection: String,
    /// The number of added documents.
    pub added: u64,
    /// The number of changed documents.
    pub changed: u64,
    /// The number of removed documents.
    pub removed: u64,
    /// How the collection itself differs, in words.
    pub collection_change: Option<String>,
}

impl Numbers {
    pub(super) fn of(collection: &str) -> Self {
        let collection = collection.to_owned();
        Self { collection, added: 0, changed: 0, removed: 0, collection_change: None }
    }
}
