//! Computes a plan: merges every affected document, on top of the previous steps.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bson::DateTime;
use futures::TryStreamExt;

use crate::document::key::Key;
use crate::engine::catalog::{Catalog, CollectionInfo};
use crate::history::checks::Proposed;
use crate::history::diff::{Touches, touched_between};
use crate::history::merge::{Merged, Policy, Strategy, Versions, merge_document};
use crate::history::plan::base::{MergeSides, documents, is_there, touched_documents};
use crate::history::plan::decisions::Decisions;
use crate::history::plan::result::{Changes, DocumentConflict, MergeCounts, MergeResult, STEP};
use crate::history::plan::step::{MergeStep, Scope, changed_at};
use crate::model::{CollectionId, CollectionName, Document, Image, MAX_COMMIT_BYTES, Point};
use crate::storage::KeyRange;
use crate::store::State;
use crate::{Error, Result};

/// The memory of a change besides the bytes of its key and its document: allocations, and its
/// entries in the result and in the commit.
const CHANGE_OVERHEAD: usize = 256;

/// The maximum memory of the changes of a result: 1 GiB. Small documents reach it long before their
/// sum is [`MAX_COMMIT_BYTES`].
const MAX_HELD_BYTES: usize = 1024 * 1024 * 1024;

/// Applies steps to a state.
pub(super) struct Worker<'a> {
    pub(super) ours: &'a State,
    pub(super) policy: &'a Policy,
    pub(super) decisions: &'a Decisions,
    /// The collections after the steps so far.
    pub(super) catalog: Catalog,
    pub(super) changes: Changes,
    pub(super) conflicts: BTreeMap<(CollectionName, Option<Key>), DocumentConflict>,
    pub(super) decided: u64,
    /// The number of documents of ours that are removed with their collections.
    pub(super) gone: u64,
    /// The bytes of documents.
    bytes: usize,
    /// The memory of the changes, in bytes.
    held: usize,
    times: HashMap<Point, DateTime>,
}

/// The versions of one document.
struct DocumentSides {
    key: Key,
    base: Option<Document>,
    ours: Option<Document>,
    theirs: Option<Document>,
}

/// Computes the steps on `ours`. Memory: the changes, which are bounded like those of a commit.
///
/// # Errors
/// `Invalid` if the changes are too large for one commit, or a merged document can't be stored.
pub(super) async fn work(
    ours: &State,
    steps: &[MergeStep],
    policy: &Policy,
    decisions: &Decisions,
) -> Result<MergeResult> {
    let mut worker = Worker {
        ours,
        policy,
        decisions,
        catalog: Catalog::clone(ours.catalog()),
        changes: Changes::new(),
        conflicts: BTreeMap::new(),
        decided: 0,
        gone: 0,
        bytes: 0,
        held: 0,
        times: HashMap::new(),
    };
    for step in steps {
        worker.step(step).await?;
    }
    worker.finish().await
}

impl Worker<'_> {
    async fn step(&mut self, step: &MergeStep) -> Result<()> {
        let whole = self.collections(step).await?;
        self.take_whole(step, &whole).await?;
        for (&id, keys) in &step.keys {
            let Some(info) = self.catalog.by_id(id).cloned() else { continue };
            // A collection that theirs lacks has no say about documents, except for an undo, which
            // reverts its content.
            let silent = step.scope == Scope::All && !is_there(step.theirs.catalog(), id);
            if id == CollectionId::CATALOG || silent || whole.contains(&id) {
                continue;
            }
            let mut left = keys.iter();
            loop {
                let keys: Vec<_> = left.by_ref().take(STEP).collect();
                if keys.is_empty() {
                    break;
                }
                self.documents(step, &info, &keys).await?;
            }
        }
        self.drop_emptied(step).await
    }

    /// Merges documents of a collection.
    async fn documents(
        &mut self,
        step: &MergeStep,
        info: &CollectionInfo,
        keys: &[(&Key, &Touches)],
    ) -> Result<()> {
        let theirs = keys.iter().map(|(key, touches)| (*key, touches.after));
        let theirs = touched_documents(&step.theirs, info.id, theirs).await?;
        let keys: &[Key] = &keys.iter().map(|(key, _)| (*key).clone()).collect::<Vec<_>>();
        let ours = self.present(info.id, keys).await?;
        let collection = info.name.as_str();
        let seen = MergeSides { policy: self.policy, collection, ours: &ours, theirs: &theirs };
        let base = step.base.get_many(info.id, keys, &seen).await?;
        let sides = keys.iter().cloned().zip(base).zip(ours.into_iter().zip(theirs));
        for ((key, base), (ours, theirs)) in sides {
            self.document(step, info, DocumentSides { key, base, ours, theirs }).await?;
        }
        Ok(())
    }

    async fn document(
        &mut self,
        step: &MergeStep,
        info: &CollectionInfo,
        sides: DocumentSides,
    ) -> Result<()> {
        let DocumentSides { key, base, ours, theirs } = sides;
        let matters =
            [Strategy::Sum, Strategy::Touched].iter().any(|alike| self.policy.uses(alike));
        let alike = ours == theirs && !matters;
        if alike || base == theirs {
            return Ok(());
        }
        let times = if self.policy.uses(&Strategy::Newest) && base != ours {
            Some(self.times(step, info.id, &key).await?)
        } else {
            None
        };
        let versions = Versions {
            base: base.as_ref().map(Document::as_raw),
            ours: ours.as_ref().map(Document::as_raw),
            theirs: theirs.as_ref().map(Document::as_raw),
            times,
        };
        let resolutions = self.decisions.of(&info.name, Some(&key));
        let merged = merge_document(info.name.as_str(), &versions, self.policy, resolutions)
            .map_err(|error| {
                let context = format!("document {key} of collection '{}'", info.name);
                Error::new(error.kind(), format!("{context}: {error}")).with_source(error)
            })?;
        self.settled(info.name.clone(), Some(key.clone()), &merged);
        if merged.document != ours {
            self.put(info.id, key, merged.document)?;
        }
        Ok(())
    }

    /// Records the decided and remaining conflicts of a document or collection.
    pub(super) fn settled(
        &mut self,
        collection: CollectionName,
        key: Option<Key>,
        merged: &Merged,
    ) {
        self.decided += merged.decided as u64;
        if !merged.conflicts.is_empty() {
            let conflicts = merged.conflicts.clone();
            let conflict =
                DocumentConflict { collection: collection.clone(), key: key.clone(), conflicts };
            match self.conflicts.get_mut(&(collection.clone(), key.clone())) {
                Some(known) => known.conflicts.extend(conflict.conflicts),
                None => drop(self.conflicts.insert((collection, key), conflict)),
            }
        }
    }

    /// Sets the content of collections that ours had dropped to their content in theirs. If neither
    /// side changed a document since the fork, that is already so, because a drop keeps the
    /// documents; O(documents) for the others.
    async fn take_whole(&mut self, step: &MergeStep, whole: &HashSet<CollectionId>) -> Result<()> {
        if whole.is_empty() {
            return Ok(());
        }
        let touched = touched_between(&step.theirs, self.ours, |id| whole.contains(&id)).await?;
        for (id, touched) in touched {
            if whole.contains(&id) {
                self.take_documents(step, id, touched.into_keys()).await?;
            }
        }
        Ok(())
    }

    async fn take_documents(
        &mut self,
        step: &MergeStep,
        id: CollectionId,
        touched: impl Iterator<Item = Key>,
    ) -> Result<()> {
        for key in touched {
            self.put(id, key, None)?;
        }
        let ours = self.ours;
        let mut left = ours.materialize().scan(ours.view(), id, KeyRange::default());
        while let Some((key, _)) = left.try_next().await? {
            self.put(id, key, None)?;
        }
        let theirs = &step.theirs;
        let mut all = theirs.materialize().scan(theirs.view(), id, KeyRange::default());
        while let Some((key, version)) = all.try_next().await? {
            self.put(id, key, Some(version.document))?;
        }
        Ok(())
    }

    /// Returns the documents of a collection after the steps so far.
    pub(super) async fn present(
        &self,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<Document>>> {
        let mut found = documents(self.ours, collection, keys).await?;
        if let Some(changed) = self.changes.get(&collection) {
            for (key, found) in keys.iter().zip(&mut found) {
                if let Some(image) = changed.get(key) {
                    *found = image.clone().into_document();
                }
            }
        }
        Ok(found)
    }

    fn put(
        &mut self,
        collection: CollectionId,
        key: Key,
        document: Option<Document>,
    ) -> Result<()> {
        let bytes = document.as_ref().map_or(0, |document| document.as_bytes().len());
        self.bytes += bytes;
        self.held += bytes + key.as_bytes().len() + CHANGE_OVERHEAD;
        if self.bytes > MAX_COMMIT_BYTES || self.held > MAX_HELD_BYTES {
            return Err(Error::invalid(format!(
                "the result is too large for one commit, which is limited to {MAX_COMMIT_BYTES} \
                 bytes of documents and {MAX_HELD_BYTES} bytes of memory with its overhead; merge \
                 it in parts (a state in between, or some collections)"
            )));
        }
        let image = document.map_or(Image::Deleted, Image::Document);
        self.changes.entry(collection).or_default().insert(key, image);
        Ok(())
    }

    /// Records a change of a collection's metadata.
    pub(super) fn describe(&mut self, info: CollectionInfo, dropped: bool) -> Result<()> {
        let change = crate::engine::catalog::change(&info, dropped)?;
        self.changes.entry(CollectionId::CATALOG).or_default().insert(change.key, change.image);
        self.catalog.insert(info, dropped);
        Ok(())
    }

    /// Returns when ours and theirs of a document were last changed.
    async fn times(
        &mut self,
        step: &MergeStep,
        collection: CollectionId,
        key: &Key,
    ) -> Result<[DateTime; 2]> {
        Ok([
            self.time(self.ours, collection, key).await?,
            self.time(&step.theirs, collection, key).await?,
        ])
    }

    async fn time(
        &mut self,
        state: &State,
        collection: CollectionId,
        key: &Key,
    ) -> Result<DateTime> {
        let mut images = state.materialize().history(state.view(), collection, key);
        let Some((lsn, _)) = images.try_next().await? else { return Ok(DateTime::MIN) };
        let point = state.view().at(lsn).point();
        if let Some(time) = point.and_then(|point| self.times.get(&point)) {
            return Ok(*time);
        }
        let time = changed_at(state, lsn).await?;
        self.times.extend(point.map(|point| (point, time)));
        Ok(time)
    }

    /// Removes changes that ours already has, and counts the rest.
    async fn finish(mut self) -> Result<MergeResult> {
        let (decided, removed) = (self.decided, self.gone);
        let mut counts = MergeCounts { removed, decided, ..MergeCounts::default() };
        for (&id, changed) in &mut self.changes {
            let same = compare(self.ours, id, changed, &mut counts).await?;
            for key in same {
                changed.remove(&key);
            }
        }
        self.changes.retain(|_, changed| !changed.is_empty());
        let conflicts: Vec<DocumentConflict> = self.conflicts.into_values().collect();
        counts.conflicts = conflicts.iter().map(|found| found.conflicts.len() as u64).sum();
        let catalog = Arc::new(self.catalog);
        let proposed = Proposed::new(self.ours.clone(), catalog, self.changes);
        Ok(MergeResult { ours: self.ours.clone(), proposed, conflicts, counts })
    }
}

/// Counts the changes that differ from a state, and returns the keys of the others. Memory: that of
/// a step, and the keys.
async fn compare(
    ours: &State,
    id: CollectionId,
    changed: &BTreeMap<Key, Image>,
    counts: &mut MergeCounts,
) -> Result<Vec<Key>> {
    // The content of a dropped collection is unknown, so all of its changes count.
    let whole = ours.catalog().is_dropped(id);
    let mut same = Vec::new();
    let mut left = changed.iter();
    loop {
        let step: Vec<(&Key, &Image)> = left.by_ref().take(STEP).collect();
        if step.is_empty() {
            return Ok(same);
        }
        let keys: Vec<Key> = step.iter().map(|(key, _)| (*key).clone()).collect();
        let before = documents(ours, id, &keys).await?;
        for ((key, image), before) in step.into_iter().zip(before) {
            if !whole && before.as_ref() == as_document(image) {
                same.push(key.clone());
            } else if id == CollectionId::CATALOG {
                counts.collections += 1;
            } else {
                counts.count(before.as_ref(), image);
            }
        }
    }
}

fn as_document(image: &Image) -> Option<&Document> {
    match image {
        Image::Document(document) => Some(document),
        Image::Deleted => None,
    }
}
