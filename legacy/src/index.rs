//! The records of the deltas of timelines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{CasResult, RefName, Refs, VersionedRef};

use crate::records::{DELTAS, DeltaRecord, VersionedRecord, decode, delta_ref, deltas_of, encode};

/// The deltas of a timeline by their first commits, possibly with some that a longer delta
/// replaces.
pub(crate) type Deltas = Arc<Vec<VersionedRecord<DeltaRecord>>>;

/// The records of deltas, with a cache. A cached list may lack new deltas and have replaced ones; a
/// reader that misses a commit in it reads the list again.
pub(crate) struct Index {
    refs: Arc<dyn Refs>,
    known: Mutex<HashMap<TimelineId, Deltas>>,
}

impl Index {
    pub(crate) fn new(refs: Arc<dyn Refs>) -> Self {
        Self { refs, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TimelineId, Deltas>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the cached deltas of a timeline, or reads them.
    pub(crate) async fn known_of(&self, timeline: TimelineId) -> Result<Deltas> {
        let known = self.known().get(&timeline).cloned();
        match known {
            Some(deltas) => Ok(deltas),
            None => self.of(timeline).await,
        }
    }

    /// Lists the records of the deltas of all timelines, by name.
    pub(crate) async fn listed(&self) -> Result<Vec<(RefName, VersionedRef)>> {
        self.refs.list(DELTAS).await
    }

    /// Reads the deltas of a timeline.
    pub(crate) async fn of(&self, timeline: TimelineId) -> Result<Deltas> {
        let listed = self.refs.list(&deltas_of(timeline)).await?;
        let deltas: Result<Vec<_>> =
            listed.into_iter().map(|(name, stored)| decode(&name, stored)).collect();
        let deltas = Arc::new(deltas?);
        self.known().insert(timeline, Arc::clone(&deltas));
        Ok(deltas)
    }

    /// Adds a delta, or returns the existing one with the same first commit.
    pub(crate) async fn add(
        &self,
        timeline: TimelineId,
        delta: &DeltaRecord,
    ) -> Result<Option<DeltaRecord>> {
        let name = delta_ref(timeline, delta.first());
        let swap = self.refs.compare_and_set(&name, None, Some(encode(delta)?)).await?;
        self.forget(timeline);
        match swap {
            CasResult::Moved(Some(there)) => decode(&name, there).map(|stored| Some(stored.record)),
            _ => Ok(None),
        }
    }

    /// Replaces a delta by a longer one that begins with the same commit; false if it was replaced
    /// or removed before.
    pub(crate) async fn replace(
        &self,
        timeline: TimelineId,
        old: &VersionedRecord<DeltaRecord>,
        new: &DeltaRecord,
    ) -> Result<bool> {
        let name = delta_ref(timeline, old.record.first());
        let swap = self.refs.compare_and_set(&name, Some(&old.version), Some(encode(new)?));
        let done = matches!(swap.await?, CasResult::Done(_));
        self.forget(timeline);
        Ok(done)
    }

    /// Removes the record of a delta, unless it was replaced.
    pub(crate) async fn remove(
        &self,
        timeline: TimelineId,
        delta: &VersionedRecord<DeltaRecord>,
    ) -> Result<()> {
        let name = delta_ref(timeline, delta.record.first());
        self.refs.compare_and_set(&name, Some(&delta.version), None).await?;
        self.forget(timeline);
        Ok(())
    }

    pub(crate) fn forget(&self, timeline: TimelineId) {
        self.known().remove(&timeline);
    }
}

/// Returns the delta that has a commit; of several, the one with the highest last commit.
pub(crate) fn covering(deltas: &[VersionedRecord<DeltaRecord>], lsn: Lsn) -> Option<&DeltaRecord> {
    let upto = deltas.partition_point(|delta| delta.record.first() <= lsn);
    let having = deltas[..upto].iter().map(|delta| &delta.record).filter(|delta| delta.covers(lsn));
    having.max_by_key(|delta| delta.last())
}

/// Returns the first batch that may have commit `lsn`, given the deltas below it.
pub(crate) fn batch_after(deltas: &[VersionedRecord<DeltaRecord>], lsn: Lsn, floor: i64) -> i64 {
    let below = deltas.iter().filter(|delta| delta.record.last() < lsn);
    below.map(|delta| delta.record.last_batch).max().unwrap_or(-1).max(floor) + 1
}
