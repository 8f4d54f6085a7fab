//! What one commit changed, or what differs between two states.

use std::collections::BTreeMap;

use argon_core::CollectionInfo;
use argon_core::diff::{CollectionDiff, DocumentDiff, FieldChange};
use argon_core::model::{Commit, Digest, Document};
use argon_formats::extjson::Mode;
use bson::Bson;
use bson::raw::RawBson;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::json::{self, ExtJson, Origin, Time};

/// One of the things that are shown of a commit or a diff.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shown {
    /// The commit itself, before what it changed.
    Commit(ShownCommit),
    /// A collection whose metadata differs.
    Collection(CollectionChange),
    /// A document that differs.
    Document(DocumentChange),
    /// How much differs in a collection.
    Numbers(Numbers),
}

/// A commit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownCommit {
    /// The branch as which it was asked for.
    pub branch: String,
    /// Its position.
    pub lsn: u64,
    /// When it was made.
    pub time: Time,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub message: String,
    /// What brought it about.
    pub origin: Origin,
    /// What programs noted about it, by key.
    pub trailers: BTreeMap<String, String>,
    /// Its digest, which covers all before.
    #[schemars(with = "String")]
    pub digest: Digest,
}

impl ShownCommit {
    /// A commit of the history that is called `branch`.
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

/// What became of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhatOfCollection {
    /// It was made.
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
    /// What became of it.
    pub change: WhatOfCollection,
    /// How many documents came or went with it, if they are not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<CollectionFacts>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<CollectionFacts>,
}

/// What a collection is besides its documents.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CollectionFacts {
    /// Its name.
    pub name: String,
    /// Its options.
    pub options: ExtJson,
    /// The definitions of its indexes.
    pub indexes: Vec<ExtJson>,
}

impl From<&CollectionInfo> for CollectionFacts {
    fn from(info: &CollectionInfo) -> Self {
        let json = |document: &bson::Document| {
            ExtJson::bson(&Bson::Document(document.clone()), Mode::Relaxed)
        };
        Self {
            name: info.name.to_string(),
            options: json(&info.options),
            indexes: info.indexes.iter().map(json).collect(),
        }
    }
}

impl CollectionChange {
    /// How a collection differs; `documents` is how many came or went with it without being listed.
    pub fn of(diff: &CollectionDiff, documents: Option<u64>) -> Self {
        let (change, before, after) = match diff {
            CollectionDiff::Created(info) => (WhatOfCollection::Created, None, Some(info)),
            CollectionDiff::Dropped(info) => (WhatOfCollection::Dropped, Some(info), None),
            CollectionDiff::Changed { before, after } => {
                (WhatOfCollection::Changed, Some(before), Some(after))
            }
        };
        let name = after.or(before).map(|info| info.name.to_string());
        Self {
            collection: name.unwrap_or_default(),
            change,
            documents,
            before: before.map(CollectionFacts::from),
            after: after.map(CollectionFacts::from),
        }
    }
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhatOfDocument {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

/// A document that differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DocumentChange {
    /// Its collection.
    pub collection: String,
    /// What became of it.
    pub change: WhatOfDocument,
    /// Its `_id`.
    pub id: ExtJson,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<ExtJson>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<ExtJson>,
    /// The fields that differ, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<Difference>>,
}

/// What is shown of a document that differs.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// How values are written.
    pub mode: Mode,
    /// Whether the fields that differ are shown.
    pub fields: bool,
    /// Whether a document that is another is shown whole.
    pub documents: bool,
}

impl DocumentChange {
    /// How a document differs.
    ///
    /// # Errors
    /// For a document that is not valid.
    pub fn of(diff: &DocumentDiff, depth: Depth) -> Result<Self> {
        let change = match (&diff.before, &diff.after) {
            (None, Some(_)) => WhatOfDocument::Added,
            (_, None) => WhatOfDocument::Removed,
            (Some(_), Some(_)) => WhatOfDocument::Changed,
        };
        let id = match diff.after.as_ref().or(diff.before.as_ref()) {
            Some(document) => ExtJson::id_of(document.as_raw(), depth.mode)?,
            None => ExtJson::text(&diff.key.to_string()),
        };
        let is_shown = change != WhatOfDocument::Changed || depth.documents;
        let side = |document: &Option<Document>| {
            let document = document.as_ref().filter(|_| is_shown);
            document.map(|shown| ExtJson::document(shown.as_raw(), depth.mode)).transpose()
        };
        let fields = match (&diff.before, &diff.after) {
            (Some(before), Some(after)) if depth.fields => {
                let changes = argon_core::diff::fields(before.as_raw(), after.as_raw())?;
                let each = changes.iter().map(|change| Difference::of(change, depth.mode));
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
pub struct Difference {
    /// Where it is: `address.city`, `tags.2`.
    pub path: String,
    /// Its value before, if it was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<ExtJson>,
    /// Its value after, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<ExtJson>,
}

impl Difference {
    fn of(change: &FieldChange, mode: Mode) -> Result<Self> {
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

/// How much differs in a collection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Numbers {
    /// The collection.
    pub collection: String,
    /// How many documents are new.
    pub added: u64,
    /// How many are others.
    pub changed: u64,
    /// How many are gone.
    pub removed: u64,
    /// What became of the collection itself, in words.
    pub collection_change: Option<String>,
}
