//! The result of computing a plan.

use std::collections::BTreeMap;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::history::checks::Proposed;
use crate::history::diff::{CollectionDiff, DocumentDiff, compare_catalogs};
use crate::history::merge::FieldConflict;
use crate::model::{Change, CollectionId, CollectionName, Document, Image};
use crate::store::State;

/// The number of documents in one step.
pub(super) const STEP: usize = 512;

/// Changes by collection and key.
pub(super) type Changes = BTreeMap<CollectionId, BTreeMap<Key, Image>>;

/// The conflicts of a document, or of a collection itself.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentConflict {
    /// The collection.
    pub collection: CollectionName,
    /// The document; `None` for the collection itself.
    pub key: Option<Key>,
    /// The conflicts, in the order of the fields.
    pub conflicts: Vec<FieldConflict>,
}

/// The counts of a result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeCounts {
    /// Documents that are added to the target.
    pub added: u64,
    /// Documents of the target that are changed.
    pub changed: u64,
    /// Documents that are removed from the target.
    pub removed: u64,
    /// Collections that are created, dropped, renamed, or get other options or indexes.
    pub collections: u64,
    /// Conflicts that a strategy or a decision resolved.
    pub decided: u64,
    /// Unresolved conflicts.
    pub conflicts: u64,
}

/// The result of a plan on its target state: a function of the log, the rules and the decisions
/// alone.
pub struct MergeResult {
    pub(super) ours: State,
    pub(super) proposed: Proposed,
    /// The unresolved conflicts, by collection and document.
    pub conflicts: Vec<DocumentConflict>,
    /// The counts.
    pub counts: MergeCounts,
}

impl MergeResult {
    /// The state with the changes on top.
    pub fn proposed(&self) -> &Proposed {
        &self.proposed
    }

    /// The changes, by collection and key.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change> {
        self.proposed.changes().iter().flat_map(|(&collection, changed)| {
            let change = move |(key, image): (&Key, &Image)| Change {
                collection,
                key: key.clone(),
                image: image.clone(),
            };
            changed.iter().map(change)
        })
    }

    /// Whether the result changes nothing.
    pub fn is_empty(&self) -> bool {
        self.proposed.changes().is_empty()
    }

    /// The collections that are created, dropped, renamed, or get other options or indexes, by
    /// name.
    pub fn collections(&self) -> Vec<CollectionDiff> {
        let catalog = self.proposed.changed(CollectionId::CATALOG);
        let catalogs = [self.ours.catalog(), self.proposed.catalog()];
        compare_catalogs(catalogs, catalog.map(|(key, _)| key))
    }

    /// The changed documents, before and after, by collection and `_id`.
    pub fn documents(&self) -> BoxStream<'_, Result<DocumentDiff>> {
        let collections = self.proposed.changes().iter();
        let documents = collections.filter(|(id, _)| **id != CollectionId::CATALOG);
        stream::iter(documents)
            .flat_map(|(id, changed)| stream::iter(changed).chunks(STEP).map(move |c| (*id, c)))
            .then(|(id, changes)| self.compare(id, changes))
            .map_ok(|documents| stream::iter(documents.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn compare(
        &self,
        id: CollectionId,
        changes: Vec<(&Key, &Image)>,
    ) -> Result<Vec<DocumentDiff>> {
        let keys: Vec<Key> = changes.iter().map(|(key, _)| (*key).clone()).collect();
        let before = super::base::documents(&self.ours, id, &keys).await?;
        let catalogs = [self.proposed.catalog(), self.ours.catalog()];
        let Some(info) = catalogs.into_iter().find_map(|catalog| catalog.by_id(id)) else {
            return Ok(Vec::new());
        };
        let diffs = changes.into_iter().zip(before).map(|((key, image), before)| DocumentDiff {
            collection: info.name.clone(),
            key: key.clone(),
            before,
            after: image.clone().into_document(),
        });
        Ok(diffs.collect())
    }
}

impl MergeCounts {
    /// Counts a change of a document.
    pub(super) fn count(&mut self, before: Option<&Document>, after: &Image) {
        match (before, after) {
            (None, Image::Document(_)) => self.added += 1,
            (None, Image::Deleted) => {}
            (Some(_), Image::Deleted) => self.removed += 1,
            (Some(_), Image::Document(_)) => self.changed += 1,
        }
    }
}
