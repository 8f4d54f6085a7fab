//! Taking back that a collection was made.
//!
//! Others may have documents in it by now, so its documents are taken back one by one, and the
//! collection itself only if that leaves nothing in it.

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

/// What is in a collection whose making is taken back.
pub(super) enum Left {
    /// Documents that the step does not take back.
    ByOthers,
    /// Only documents that it takes back, some of them changed since.
    Changed,
    /// Only documents that it takes back, as the commits left them.
    AsItWas,
}

impl Worker<'_> {
    /// What is in a collection beside what the step takes back. O(documents that steps change).
    pub(super) async fn left(&self, step: &MergeStep, id: CollectionId) -> Result<Left> {
        let none = BTreeMap::new();
        let keys = step.keys.get(&id).unwrap_or(&none);
        if self.holds_beside(id, keys).await? {
            return Ok(Left::ByOthers);
        }
        let keys: Vec<Key> = keys.keys().cloned().collect();
        for keys in keys.chunks(STEP) {
            if self.present(id, keys).await? != step.base.alone(id, keys).await? {
                return Ok(Left::Changed);
            }
        }
        Ok(Left::AsItWas)
    }

    /// Whether a collection, as the steps so far leave it, has documents beside these. Ends at the
    /// first one.
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

    /// Drops the collections that the step takes back and that have nothing left in them.
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

    /// Drops a collection, with what the steps so far did to its documents. Those that go with an undo
    /// are counted, since it has all of them in hand; for others that would take a scan.
    pub(super) async fn drop(&mut self, step: &MergeStep, info: CollectionInfo) -> Result<()> {
        if step.scope == Scope::Undo && is_there(self.ours.catalog(), info.id) {
            let scan = self.ours.materialize().scan(self.ours.view(), info.id, KeyRange::default());
            self.gone += scan.try_fold(0, |count, _| async move { Ok(count + 1) }).await?;
        }
        self.changes.remove(&info.id);
        self.describe(info, true)
    }
}
