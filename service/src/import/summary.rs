//! The results of an import in numbers.

use std::collections::BTreeMap;

use argon_core::model::{BranchName, CollectionName, Lsn};
use argon_core::write::Receipt;
use schemars::JsonSchema;
use serde::Serialize;

use crate::index::BuiltIndex;
use crate::json::ChangedCollection;

/// The result of an import: what is durable, or would be after a dry run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ImportSummary {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The number of documents that were written.
    pub documents: u64,
    /// The number of documents whose `_id` existed, and that were left out.
    pub skipped: u64,
    /// The number of documents that can't be imported.
    pub bad: u64,
    /// The number of files of a dump that can't be loaded, and were left out.
    pub bad_files: u64,
    /// The number of commits.
    pub commits: u64,
    /// The last commit; none if nothing was committed.
    pub lsn: Option<u64>,
    /// The duration in seconds.
    pub seconds: f64,
    /// The number of documents that equal existing ones, and were not written.
    pub unchanged: u64,
    /// How collections differed that were replaced.
    #[serde(flatten)]
    pub replaced: Option<Replaced>,
    /// The indexes that replaced collections had, and that the files do not have.
    pub dropped_indexes: Vec<LostIndex>,
    /// The indexes of existing collections whose definitions the import brought, which had no entries; not
    /// looked for after an interrupt, or if the store does not answer.
    pub indexes: Vec<BuiltIndex>,
    /// True after a dry run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The collections, and the number of documents that were written into each.
    pub collections: Vec<ChangedCollection>,
}

/// An index that a replaced collection had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LostIndex {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The name of the index.
    pub index: String,
}

/// How collections differed that were replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Replaced {
    /// The number of documents that were added.
    pub added: u64,
    /// The number of documents that were changed.
    pub changed: u64,
    /// The number of documents that were removed.
    pub removed: u64,
}

impl ImportSummary {
    /// Whether nothing was left out as bad.
    pub fn is_complete(&self) -> bool {
        self.bad == 0 && self.bad_files == 0
    }
}

/// The numbers of an import while it runs.
#[derive(Debug, Default)]
pub(super) struct Summary {
    collections: Vec<(CollectionName, u64)>,
    commits: u64,
    skipped: u64,
    unchanged: u64,
    replaced: Option<Replaced>,
    dropped_indexes: Vec<LostIndex>,
    /// What the next commit changes.
    pending: Pending,
    rehearsed: bool,
    pub(super) bad: u64,
    lsn: Option<Lsn>,
}

/// Changes that are not committed yet.
#[derive(Debug, Default)]
struct Pending {
    /// The number of documents that are written, by the place of the collection.
    written: BTreeMap<usize, u64>,
    replaced: Replaced,
    dropped_indexes: Vec<LostIndex>,
}

impl Summary {
    /// Of an import that replaces collections.
    pub(super) fn of_replacement(rehearsed: bool) -> Self {
        Self { replaced: Some(Replaced::default()), rehearsed, ..Self::default() }
    }

    /// Of an import that writes nothing.
    pub(super) fn of_rehearsal() -> Self {
        Self { rehearsed: true, ..Self::default() }
    }

    pub(super) fn begin(&mut self, collection: &CollectionName) {
        self.collections.push((collection.clone(), 0));
    }

    /// Indexes of the present collection that a commit dropped.
    pub(super) fn dropped_indexes(&mut self, names: Vec<String>) {
        let lost = self.lost(names);
        self.dropped_indexes.extend(lost);
    }

    /// Indexes of the present collection that the next commit drops.
    pub(super) fn will_drop_indexes(&mut self, names: Vec<String>) {
        let lost = self.lost(names);
        self.pending.dropped_indexes.extend(lost);
    }

    fn lost(&self, names: Vec<String>) -> Vec<LostIndex> {
        let Some((collection, _)) = self.collections.last() else { return Vec::new() };
        let lost = |index| LostIndex { collection: collection.clone(), index };
        names.into_iter().map(lost).collect()
    }

    pub(super) fn committed(&mut self, receipt: &Receipt) {
        self.written(receipt.changed as u64);
        self.commits += 1;
        self.lsn = Some(receipt.lsn);
        self.skipped(receipt.skipped);
    }

    pub(super) fn skipped(&mut self, documents: usize) {
        self.skipped += documents as u64;
    }

    pub(super) fn unchanged(&mut self, documents: usize) {
        self.unchanged += documents as u64;
    }

    /// A commit that an import would make.
    pub(super) fn would_commit(&mut self, documents: usize) {
        self.commits += 1;
        self.dropped_indexes.append(&mut self.pending.dropped_indexes);
        self.written(documents as u64);
    }

    /// The next commit adds a document.
    pub(super) fn will_add(&mut self) {
        self.pending.replaced.added += 1;
        self.will_write();
    }

    /// The next commit changes a document.
    pub(super) fn will_change(&mut self) {
        self.pending.replaced.changed += 1;
        self.will_write();
    }

    /// The next commit removes a document.
    pub(super) fn will_remove(&mut self) {
        self.pending.replaced.removed += 1;
    }

    fn will_write(&mut self) {
        let place = self.collections.len().saturating_sub(1);
        *self.pending.written.entry(place).or_default() += 1;
    }

    /// A commit of what is pending.
    pub(super) fn replaced(&mut self, receipt: &Receipt) {
        self.lsn = Some(receipt.lsn);
        self.would_replace();
    }

    /// A commit of what is pending that an import would make.
    pub(super) fn would_replace(&mut self) {
        self.commits += 1;
        let Pending { written, replaced, dropped_indexes } = std::mem::take(&mut self.pending);
        for (place, documents) in written {
            if let Some((_, written)) = self.collections.get_mut(place) {
                *written += documents;
            }
        }
        let all = self.replaced.get_or_insert_default();
        all.added += replaced.added;
        all.changed += replaced.changed;
        all.removed += replaced.removed;
        self.dropped_indexes.extend(dropped_indexes);
    }

    fn written(&mut self, documents: u64) {
        if let Some((_, written)) = self.collections.last_mut() {
            *written += documents;
        }
    }

    /// Whether nothing was committed.
    pub(super) fn is_empty(&self) -> bool {
        self.commits == 0
    }

    /// The result, as it is shown.
    pub(super) fn shown(self, branch: &BranchName, bad_files: u64, seconds: f64) -> ImportSummary {
        let collections: Vec<ChangedCollection> = self
            .collections
            .into_iter()
            .map(|(name, documents)| ChangedCollection { collection: name.to_string(), documents })
            .collect();
        ImportSummary {
            branch: branch.clone(),
            documents: collections.iter().map(|collection| collection.documents).sum(),
            skipped: self.skipped,
            bad: self.bad,
            bad_files,
            commits: self.commits,
            lsn: self.lsn.map(Lsn::get),
            seconds,
            unchanged: self.unchanged,
            replaced: self.replaced,
            dropped_indexes: self.dropped_indexes,
            indexes: Vec::new(),
            dry_run: self.rehearsed,
            collections,
        }
    }
}
