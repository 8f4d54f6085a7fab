//! Garbage collection: removes versions and commits that no retained state needs, and whole timelines.
//!
//! The floor is durable before the first commit is removed, and no reader sees anything below it, so a
//! collection may be interrupted anywhere. Versions of a document that no retained state reads are
//! removed first, and the deletions that hide them only after that. Appends continue meanwhile.

use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{Reclaimed, RetainedStates, TimelineState, Usage};

use crate::ordered::engine::{Batch, Direction};
use crate::ordered::removal::{COMMIT, Removal};
use crate::ordered::rows::Rows;
use crate::ordered::timelines::{self, Entry, TimelineTable, put_timeline};
use crate::ordered::versions::{Version, Versions};
use crate::ordered::{keys, value};

/// Removes what no retained state needs.
pub(super) struct Collector {
    rows: Arc<Rows>,
    timelines: Arc<TimelineTable>,
}

impl Collector {
    pub(super) fn new(rows: Arc<Rows>, timelines: Arc<TimelineTable>) -> Self {
        Self { rows, timelines }
    }

    /// See [`Wal::prune`](argon_core::storage::Wal::prune). Memory is that of a few thousand keys.
    pub(super) fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        let Some(entry) = self.timelines.entry(timeline)? else { return Ok(Reclaimed::default()) };
        let entry = self.raise_floor(timeline, floor_of(&entry.state, keep))?.unwrap_or(entry);
        let mut removal = Removal::new(&self.rows, false);
        removal.versions(&entry, keep)?;
        removal.rows_between(&commits_upto(&entry, entry.state.floor), COMMIT)?;
        self.prune_entries(timeline, &entry, keep, &mut removal)?;
        removal.finish()
    }

    /// Removes entries of indexes. Readers of retained states need none of them, so builds whose
    /// entries go are withdrawn first.
    fn prune_entries(
        &self,
        timeline: TimelineId,
        entry: &Entry,
        keep: &RetainedStates,
        removal: &mut Removal<'_>,
    ) -> Result<()> {
        let slot = self.timelines.slot(timeline)?;
        let builds = {
            let _writing = slot.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let builds = slot.builds();
            let needed = builds.iter().filter(|build| build.status.is_needed(keep));
            slot.publish_builds(needed.cloned().collect());
            builds
        };
        removal.entries(entry, &builds, keep)
    }

    /// Returns what [`prune`](Self::prune) would free.
    pub(super) fn prunable(
        &self,
        timeline: TimelineId,
        keep: &RetainedStates,
    ) -> Result<Reclaimed> {
        let Some(mut entry) = self.timelines.entry(timeline)? else {
            return Ok(Reclaimed::default());
        };
        entry.state.floor = floor_of(&entry.state, keep);
        let mut removal = Removal::new(&self.rows, true);
        removal.versions(&entry, keep)?;
        removal.rows_between(&commits_upto(&entry, entry.state.floor), COMMIT)?;
        removal.entries(&entry, &self.timelines.slot(timeline)?.builds(), keep)?;
        removal.finish()
    }

    /// Removes a timeline. Its record and number are removed last, in one batch with its last commit;
    /// until then it exists, sealed and without commits.
    pub(super) fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        let Some(entry) = self.seal_for_good(timeline)? else { return Ok(Reclaimed::default()) };
        if let Some(witness) = self.rows.witness() {
            witness.forget_timeline(timeline)?;
        }
        let mut removal = Removal::new(&self.rows, false);
        removal.versions(&entry, &RetainedStates::default())?;
        for prefix in keys::index_rows(entry.short) {
            let end = keys::after_prefix(&prefix);
            removal.rows_between(&(prefix, end), Reclaimed::default())?;
        }
        let head = entry.state.head.lsn;
        removal.rows_between(&commits_upto(&entry, head.back(1).unwrap_or_default()), COMMIT)?;
        let manifests = (keys::manifest(timeline, Lsn::ZERO), keys::manifest(timeline, Lsn::MAX));
        removal.rows_between(&manifests, Reclaimed::default())?;
        removal.flush()?;
        removal.rows_between(&commits_upto(&entry, head), COMMIT)?;
        removal.row(keys::timeline(entry.short));
        removal.row(keys::timeline_number(timeline));
        let freed = removal.finish()?;
        self.timelines.slot(timeline)?.withdraw();
        Ok(freed)
    }

    /// Returns what [`drop_timeline`](Self::drop_timeline) would free.
    pub(super) fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        let Some(mut entry) = self.timelines.entry(timeline)? else { return Ok(None) };
        entry.state.floor = entry.state.head.lsn;
        let mut removal = Removal::new(&self.rows, true);
        removal.versions(&entry, &RetainedStates::default())?;
        for prefix in keys::index_rows(entry.short) {
            let end = keys::after_prefix(&prefix);
            removal.rows_between(&(prefix, end), Reclaimed::default())?;
        }
        removal.rows_between(&commits_upto(&entry, entry.state.floor), COMMIT)?;
        removal.finish().map(Some)
    }

    /// Counts the bytes of each retained state, in one pass over the versions.
    pub(super) fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        let mut usage = Usage::default();
        let Some(entry) = self.timelines.entry(timeline)? else { return Ok(usage) };
        let mut versions = Versions::of(entry.short);
        loop {
            let step = versions.step(self.rows.engine())?;
            if step.is_empty() {
                break;
            }
            for Version { written, replaced, bytes, .. } in step {
                usage.add(keep, written, replaced, bytes);
            }
        }
        let floor = floor_of(&entry.state, keep);
        let (_, end) = commits_upto(&entry, entry.state.head.lsn);
        let (start, _) = commits_upto(&entry, floor);
        self.rows.engine().visit(&start, &end, Direction::Ascending, &mut |key, stored| {
            let bytes = (key.len() + value::size(stored)) as u64;
            let lsn = keys::split_commit(key).map_or(Lsn::ZERO, |(_, lsn)| lsn);
            match keep.from {
                _ if lsn <= floor => usage.free += bytes,
                Some(_) => usage.window += bytes,
                None => usage.shared += bytes,
            }
            ControlFlow::Continue(())
        })?;
        Ok(usage)
    }

    /// Raises the floor of a timeline durably, then lets readers see it. Returns the timeline with it.
    fn raise_floor(&self, timeline: TimelineId, floor: Lsn) -> Result<Option<Entry>> {
        self.change_record(timeline, |state| {
            let raised = state.floor < floor;
            state.floor = state.floor.max(floor);
            raised
        })
    }

    /// Ends a timeline before it is dropped: no append succeeds, and no commit is read.
    fn seal_for_good(&self, timeline: TimelineId) -> Result<Option<Entry>> {
        self.change_record(timeline, |state| {
            let changed = !state.sealed || state.floor < state.head.lsn;
            state.sealed = true;
            state.floor = state.head.lsn;
            changed
        })
    }

    /// Changes the record of a timeline: writes it durably if `change` returns true, then lets readers
    /// see it.
    fn change_record(
        &self,
        timeline: TimelineId,
        change: impl FnOnce(&mut TimelineState) -> bool,
    ) -> Result<Option<Entry>> {
        let slot = self.timelines.slot(timeline)?;
        let _writing = slot.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut entry) = slot.get() else { return Ok(None) };
        if change(&mut entry.state) {
            let base_head = timelines::read_record(self.rows.engine(), entry.short)?.base_head;
            let mut batch = Batch::new();
            put_timeline(&mut batch, &entry, &base_head, false)?;
            self.rows.apply(batch)?;
            slot.publish(entry);
        }
        Ok(Some(entry))
    }
}

/// The floor of a timeline that retains `keep`. Its last commit stays.
fn floor_of(state: &TimelineState, keep: &RetainedStates) -> Lsn {
    let last = state.head.lsn.back(1).unwrap_or_default();
    let wanted = keep.from.map_or(last, |from| last.min(from.back(1).unwrap_or_default()));
    wanted.max(state.floor)
}

/// The key range of the commits of a timeline up to one.
fn commits_upto(entry: &Entry, upto: Lsn) -> (Vec<u8>, Vec<u8>) {
    (keys::commit(entry.short, Lsn::ZERO), keys::commit(entry.short, upto.next()))
}
