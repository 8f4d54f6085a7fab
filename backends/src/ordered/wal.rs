//! The log: each append is one batch.

use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError};

use argon_core::Result;
use argon_core::log::LogWalk;
use argon_core::model::{Commit, Head, Image, Lsn, Timeline, TimelineId};
use argon_core::storage::{
    Append, CommitStream, Direction, HeaderStream, IndexBuild, IndexChanges, Reclaimed,
    RetainedStates, TimelineState, Usage, Wal, after_append,
};
use async_trait::async_trait;

use crate::ordered::builds::{BuildTable, put_build};
use crate::ordered::collections::CollectionNumbers;
use crate::ordered::engine::{Batch, Write};
use crate::ordered::entries::put_changes;
use crate::ordered::keys::{self, Short};
use crate::ordered::log_walk::{STEP_BYTES, next_commits, with_documents};
use crate::ordered::rows::Rows;
use crate::ordered::timelines::{self, Entry, Slot, TimelineTable, put_timeline};
use crate::ordered::{Ordered, record, value};

#[async_trait]
impl Wal for Ordered {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        let entry = self.in_place(|parts| parts.log.timelines.entry(timeline))?;
        Ok(entry.map(|entry| entry.state))
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        let (timeline, expected) = (*timeline, *expected);
        self.run_write(move |parts| {
            parts.log.append(timeline, expected, &commits, entries.as_deref())
        })
        .await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        let (timeline, expected) = (*timeline, *expected);
        self.run_write(move |parts| parts.log.seal(timeline, expected)).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        let walk = LogWalk::new(timeline, &range, Direction::Ascending);
        self.steps(walk, |parts, walk| {
            let mut bytes = 0;
            next_commits(&parts.log, walk, |commit, short| {
                let commit = with_documents(&parts.log, commit, short)?;
                bytes += commit.document_bytes();
                Ok((commit, bytes >= STEP_BYTES))
            })
        })
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        let walk = LogWalk::new(timeline, &range, direction);
        self.steps_after_a_small_one(walk, |parts, walk| {
            next_commits(&parts.log, walk, |commit, _| Ok((commit, false)))
        })
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.run(|parts| parts.log.timelines.ids()).await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        let keep = keep.clone();
        self.run_write(move |parts| parts.collector.prune(timeline, &keep)).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        let keep = keep.clone();
        self.run(move |parts| parts.collector.prunable(timeline, &keep)).await
    }

    async fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        let keep = keep.clone();
        self.run(move |parts| parts.collector.usage(timeline, &keep)).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.run_write(move |parts| parts.collector.drop_timeline(timeline)).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.run(move |parts| parts.collector.droppable(timeline)).await
    }
}

/// The commits of a store.
pub(super) struct Log {
    pub(super) rows: Arc<Rows>,
    pub(super) timelines: Arc<TimelineTable>,
    pub(super) collections: Arc<CollectionNumbers>,
    pub(super) builds: Arc<BuildTable>,
}

impl Log {
    pub(super) fn new(
        rows: Arc<Rows>,
        timelines: Arc<TimelineTable>,
        collections: Arc<CollectionNumbers>,
        builds: Arc<BuildTable>,
    ) -> Self {
        Self { rows, timelines, collections, builds }
    }

    fn append(
        &self,
        timeline: Timeline,
        expected: Head,
        commits: &[Commit],
        changes: Option<&IndexChanges>,
    ) -> Result<Append> {
        let slot = self.timelines.slot(timeline.id)?;
        let _writing = slot.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entry = match self.checked(&slot, timeline, expected) {
            Ok(entry) => entry,
            Err(refusal) => return Ok(refusal),
        };
        let mut batch = Batch::new();
        let is_new = slot.get().is_none();
        let before = if is_new { self.builds.inherited_by(&timeline)? } else { slot.builds() };
        let Some(builds) = after_append(&before, changes, expected.lsn, &[]) else {
            return Ok(Append::HeadMoved(expected));
        };
        if is_new {
            put_timeline(&mut batch, &entry, &expected, true)?;
        }
        for build in builds.iter().filter(|build| is_new || !before.contains(build)) {
            put_build(&mut batch, entry.short, build)?;
        }
        for commit in commits {
            self.put_commit(&mut batch, entry.short, commit)?;
        }
        if let Some(changes) = changes {
            put_changes(self.rows.engine(), &mut batch, entry.short, &changes.entries)?;
        }
        self.rows.apply(batch)?;
        entry.state.head = commits.last().map_or(expected, Commit::head);
        slot.publish_builds(builds);
        slot.publish(entry);
        Ok(Append::Done)
    }

    /// Adds a new timeline to a batch, and the builds that it continues.
    pub(super) fn new_timeline(
        &self,
        batch: &mut Batch,
        timeline: Timeline,
        head: Head,
    ) -> Result<(Entry, Vec<IndexBuild>)> {
        let floor = timeline.base_lsn();
        let state = TimelineState { timeline, head, sealed: false, floor };
        let entry = Entry { short: self.timelines.new_short(), state };
        put_timeline(batch, &entry, &head, true)?;
        let builds = self.builds.inherited_by(&timeline)?.to_vec();
        for build in &builds {
            put_build(batch, entry.short, build)?;
        }
        Ok((entry, builds))
    }

    fn seal(&self, timeline: Timeline, expected: Head) -> Result<Append> {
        let slot = self.timelines.slot(timeline.id)?;
        let _writing = slot.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entry = match self.checked(&slot, timeline, expected) {
            Ok(entry) => entry,
            Err(Append::Sealed(head)) if head == expected => return Ok(Append::Done),
            Err(refusal) => return Ok(refusal),
        };
        entry.state.sealed = true;
        let new = slot.get().is_none();
        let base_head = if new {
            expected
        } else {
            timelines::read_record(self.rows.engine(), entry.short)?.base_head
        };
        let mut batch = Batch::new();
        put_timeline(&mut batch, &entry, &base_head, new)?;
        self.rows.apply(batch)?;
        slot.publish(entry);
        Ok(Append::Done)
    }

    /// The timeline, if its head is the expected one, or a new timeline if it does not exist yet;
    /// otherwise the answer to the caller.
    fn checked(&self, slot: &Slot, timeline: Timeline, expected: Head) -> Result<Entry, Append> {
        match slot.get() {
            Some(entry) if entry.state.sealed => Err(Append::Sealed(entry.state.head)),
            Some(entry) if entry.state.head != expected => Err(Append::HeadMoved(entry.state.head)),
            Some(entry) => Ok(entry),
            // It was dropped: no writer may continue it.
            None if expected.lsn != timeline.base_lsn() => Err(Append::Sealed(expected)),
            None => {
                let floor = timeline.base_lsn();
                let state = TimelineState { timeline, head: expected, sealed: false, floor };
                Ok(Entry { short: self.timelines.new_short(), state })
            }
        }
    }

    fn put_commit(&self, batch: &mut Batch, timeline: Short, commit: &Commit) -> Result<()> {
        let mut shorts = Vec::with_capacity(commit.changes.len());
        for change in &commit.changes {
            let short = self.collections.find_or_assign(change.collection)?;
            shorts.push(short);
            let prefix = keys::versions(timeline, short);
            let key = keys::version(&prefix, change.key.as_bytes(), commit.meta.lsn);
            match &change.image {
                Image::Document(document) => value::put(batch, key, &[document.as_bytes()])?,
                Image::Deleted => batch.push(Write::Put { key, value: Vec::new() }),
            }
        }
        let bytes = record::encode_commit(commit, |at| shorts[at]);
        value::put(batch, keys::commit(timeline, commit.meta.lsn), &[&bytes])
    }
}
