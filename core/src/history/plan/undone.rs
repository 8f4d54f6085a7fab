//! Undoes the creation of a collection.
//!
//! Other commits may have added documents, so the undo removes its documents one by one, and drops
//! the collection only if it is empty then.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use crate::Result;
use crate::document::key::Key;
use crate::engine::catalog::CollectionInfo;
use crate::history::diff::Touches;
use crate::history::plan::base::is_there;
use crate::history::plan::collections::{concerned, metadata_of};
use crate::history::plan::result::STEP;
use crate::history::plan::step::{MergeStep, Scope};
use crate::history::plan::work::Worker;
use crate::model::{CollectionId, Image};
use crate::storage::KeyRange;

/// The content of a collection whose creation is undone.
pub(super) enum RemainingContent {
    /// Documents that the step does not revert.
    ByOthers,
    /// Only documents that the step reverts, some of them changed since.
    Changed,
    /// Only documents that the step reverts, unchanged since.
    AsItWas,
}

impl Worker<'_> {
    /// Classifies the content of a collection. O(documents that steps change).
    pub(super) async fn left(
        &self,
        step: &MergeStep,
        id: CollectionId,
    ) -> Result<RemainingContent> {
        let none = BTreeMap::new();
        let keys = step.keys.get(&id).unwrap_or(&none);
        if self.holds_beside(id, keys).await? {
            return Ok(RemainingContent::ByOthers);
        }
        let keys: Vec<Key> = keys.keys().cloned().collect();
        for keys in keys.chunks(STEP) {
            if self.present(id, keys).await? != step.base.alone(id, keys).await? {
                return Ok(RemainingContent::Changed);
            }
        }
        Ok(RemainingContent::AsItWas)
    }

    /// Returns whether a collection, after the steps so far, has documents besides these. Stops at
    /// the first one.
    async fn holds_beside(&self, id: CollectionId, keys: &BTreeMap<Key, Touches>) -> Result<bool> {
        let changed = self.changes.get(&id);
        let written = changed
            .into_iter()
            .flatten()
            .any(|(key, image)| matches!(image, Image::Document(_)) && !keys.contains_key(key));
        if written || !is_there(self.ours.catalog(), id) {
            return Ok(written);
        }
        let mut stored = self.ours.materialize().scan(self.ours.view(), id, KeyRange::default());
        while let Some((key, _)) = stored.try_next().await? {
            let changed = changed.is_some_and(|changed| changed.contains_key(&key));
            if !changed && !keys.contains_key(&key) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops the collections that are empty after the step.
    pub(super) async fn drop_emptied(&mut self, step: &MergeStep) -> Result<()> {
        if step.scope != Scope::Undo {
            return Ok(());
        }
        for id in concerned(step) {
            let Some(info) = self.catalog.by_id(id).cloned() else { continue };
            let in_conflict = self.conflicts.keys().any(|(name, _)| *name == info.name);
            if is_there(step.theirs.catalog(), id)
                || in_conflict
                || metadata_of(step, id).await?.as_ref() != Some(&*info)
                || self.holds_beside(id, &BTreeMap::new()).await?
            {
                continue;
            }
            self.drop(step, (*info).clone()).await?;
        }
        Ok(())
    }

    /// Drops a collection, with the changes of its documents in earlier steps. Documents that an
    /// undo removes are counted, because all are known; for others, that would take a scan.
    pub(super) async fn drop(&mut self, step: &MergeStep, info: CollectionInfo) -> Result<()> {
        if step.scope == Scope::Undo && is_there(self.ours.catalog(), info.id) {
            let scan = self.ours.materialize().scan(self.ours.view(), info.id, KeyRange::default());
            self.gone += scan.try_fold(0, |count, _| async move { Ok(count + 1) }).await?;
        }
        self.changes.remove(&info.id);
        self.describe(info, true)
    }
}
