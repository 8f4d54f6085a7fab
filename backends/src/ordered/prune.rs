//! Garbage collection: removes versions and commits that no kept state needs, and whole timelines.
//!
//! The floor is durable before the first commit goes, and nothing below it is shown to anyone, so it
//! does not matter where the rest is cut off. Of a document's versions those that no kept state reads
//! go first; only when they are gone go deletions that hid them. Appends go on all the while.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::PoisonError;

use argon_core::Result;
use argon_core::model::{Digest, Lsn, TimelineId};
use argon_core::storage::{Reclaimed, RetainedStates, TimelineState, Usage};

use crate::ordered::engine::{Batch, Direction, Write};
use crate::ordered::keys::{self, Short};
use crate::ordered::removal::{CHUNK, COMMIT, Removal};
use crate::ordered::timelines::{self, Entry, put_timeline};
use crate::ordered::versions::{Version, Versions};
use crate::ordered::{Ordered, value};

impl Ordered {
    /// See [`Wal::prune`](argon_core::storage::Wal::prune). Memory is that of a few thousand keys.
    pub(super) fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        let Some(entry) = self.entry(timeline)? else { return Ok(Reclaimed::default()) };
        let entry = self.raise_floor(timeline, floor_of(&entry.state, keep))?.unwrap_or(entry);
        let mut removal = Removal::new(self, true);
        removal.versions(&entry, keep)?;
        removal.rows_between(&commits_upto(&entry, entry.state.floor), COMMIT)?;
        removal.finish()
    }

    /// What [`prune`](Self::prune) would free.
    pub(super) fn prunable(
        &self,
        timeline: TimelineId,
        keep: &RetainedStates,
    ) -> Result<Reclaimed> {
        let Some(mut entry) = self.entry(timeline)? else { return Ok(Reclaimed::default()) };
        entry.state.floor = floor_of(&entry.state, keep);
        let mut removal = Removal::new(self, false);
        removal.versions(&entry, keep)?;
        removal.rows_between(&commits_upto(&entry, entry.state.floor), COMMIT)?;
        removal.finish()
    }

    /// Removes a timeline. Its record and number go last, in one batch with its last commit; until
    /// then it is there, sealed and without commits.
    pub(super) fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        let Some(entry) = self.seal_for_good(timeline)? else { return Ok(Reclaimed::default()) };
        if let Some(place) = &self.place {
            place.witness.forget_timeline(timeline)?;
        }
        let mut removal = Removal::new(self, true);
        removal.versions(&entry, &RetainedStates::default())?;
        let head = entry.state.head.lsn;
        removal.rows_between(&commits_upto(&entry, head.back(1).unwrap_or_default()), COMMIT)?;
        let manifests = (keys::manifest(timeline, Lsn::ZERO), keys::manifest(timeline, Lsn::MAX));
        removal.rows_between(&manifests, Reclaimed::default())?;
        removal.flush()?;
        removal.rows_between(&commits_upto(&entry, head), COMMIT)?;
        removal.rows.push(Write::Remove { key: keys::timeline(entry.short) });
        removal.rows.push(Write::Remove { key: keys::timeline_number(timeline) });
        let freed = removal.finish()?;
        self.timelines.slot(self, timeline)?.withdraw();
        Ok(freed)
    }

    /// What [`drop_timeline`](Self::drop_timeline) would free.
    pub(super) fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        let Some(mut entry) = self.entry(timeline)? else { return Ok(None) };
        entry.state.floor = entry.state.head.lsn;
        let mut removal = Removal::new(self, false);
        removal.versions(&entry, &RetainedStates::default())?;
        removal.rows_between(&commits_upto(&entry, entry.state.floor), COMMIT)?;
        removal.finish().map(Some)
    }

    /// Removes the chunks that are not in `live`, or only counts them.
    pub(super) fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        let mut removal = Removal::new(self, !dry_run);
        let chunks = (vec![keys::CHUNK], vec![keys::CHUNK + 1]);
        let dead = |key: &[u8]| {
            let digest = key.get(1..).and_then(|digest| digest.try_into().ok());
            !digest.is_some_and(|digest| live.contains(&Digest::from_bytes(digest)))
        };
        removal.rows_where(&chunks, CHUNK, dead)?;
        removal.finish()
    }

    /// What each kept state takes, in one pass over the versions.
    pub(super) fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        let mut usage = Usage::default();
        let Some(entry) = self.entry(timeline)? else { return Ok(usage) };
        let mut versions = Versions::of(entry.short);
        loop {
            let step = versions.step(&*self.engine)?;
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
        self.engine.visit(&start, &end, Direction::Ascending, &mut |key, stored| {
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

    /// Makes it durable, and then known, that the commits up to `floor` are gone; gives the timeline
    /// as it is then.
    fn raise_floor(&self, timeline: TimelineId, floor: Lsn) -> Result<Option<Entry>> {
        self.change_record(timeline, |state| {
            let raised = state.floor < floor;
            state.floor = state.floor.max(floor);
            raised
        })
    }

    /// Ends a timeline that is about to be dropped: no append succeeds, and no commit is read.
    fn seal_for_good(&self, timeline: TimelineId) -> Result<Option<Entry>> {
        self.change_record(timeline, |state| {
            let changed = !state.sealed || state.floor < state.head.lsn;
            state.sealed = true;
            state.floor = state.head.lsn;
            changed
        })
    }

    /// Changes the record of a timeline, durably if `change` says that there is something to write,
    /// and shows it.
    fn change_record(
        &self,
        timeline: TimelineId,
        change: impl FnOnce(&mut TimelineState) -> bool,
    ) -> Result<Option<Entry>> {
        let slot = self.timelines.slot(self, timeline)?;
        let _writing = slot.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut entry) = slot.get() else { return Ok(None) };
        if change(&mut entry.state) {
            let base_head = timelines::read_record(&*self.engine, entry.short)?.base_head;
            let mut batch = Batch::new();
            put_timeline(&mut batch, &entry, &base_head, false)?;
            self.apply(batch)?;
            slot.publish(entry);
        }
        Ok(Some(entry))
    }
}

/// The floor of a timeline of which `keep` is kept. Its last commit stays.
fn floor_of(state: &TimelineState, keep: &RetainedStates) -> Lsn {
    let last = state.head.lsn.back(1).unwrap_or_default();
    let wanted = keep.from.map_or(last, |from| last.min(from.back(1).unwrap_or_default()));
    wanted.max(state.floor)
}

/// Where the commits of a timeline up to one are.
fn commits_upto(entry: &Entry, upto: Lsn) -> (Vec<u8>, Vec<u8>) {
    (keys::commit(entry.short, Lsn::ZERO), keys::commit(entry.short, upto.next()))
}

/// A timeline's short number and floor, for those who look at all rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) floor: Lsn,
    pub(super) head: Lsn,
}

impl Ordered {
    /// Where each timeline begins and ends; those that can't be read are left out.
    pub(super) fn extents(&self) -> HashMap<Short, Extent> {
        let ids = self.timeline_ids().unwrap_or_default();
        let entries = ids.into_iter().filter_map(|id| self.entry(id).ok().flatten());
        let extent = |state: &TimelineState| Extent { floor: state.floor, head: state.head.lsn };
        entries.map(|entry| (entry.short, extent(&entry.state))).collect()
    }
}
