//! Garbage collection: deltas that lie entirely below the retained part of a log are removed.
//!
//! Core has snapshots of all retained states below, so no reader needs the log there. The floor in
//! the timeline's record is raised first, then the records of the deltas are removed, then their
//! objects.

use std::sync::Arc;

use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{Append, Objects, Reclaimed, RetainedStates, TimelineState};
use argon_core::{Backoff, Environment, Result};
use bson::DateTime;

use crate::batches::Appender;
use crate::index::Index;
use crate::jobs::{Job, JobKind, Queue, sync_id};
use crate::reading::LogReader;
use crate::records::{DeltaRecord, VersionedRecord};
use crate::timelines::{Timelines, busy};

/// Whether a call removes data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Remove,
    /// Data that [`Remove`](Self::Remove) would remove is counted.
    Count,
}

/// Returns the deltas that can be removed: those that follow each other from the floor up and end
/// below `from`. With them, the new floor and the last of their batches.
fn going(
    deltas: &[VersionedRecord<DeltaRecord>],
    state: &TimelineState,
    from: Lsn,
) -> (Vec<VersionedRecord<DeltaRecord>>, Lsn, i64) {
    let (mut floor, mut batch) = (state.floor, -1);
    let mut gone = Vec::new();
    for delta in deltas {
        let record = &delta.record;
        if record.last() >= from || record.first() > floor.next() {
            break;
        }
        floor = floor.max(record.last());
        batch = batch.max(record.last_batch);
        gone.push(delta.clone());
    }
    (gone, floor, batch)
}

/// Removes deltas, timelines, and the traces of both.
pub(crate) struct Pruner {
    pub(crate) timelines: Arc<Timelines>,
    appender: Arc<Appender>,
    pub(crate) index: Arc<Index>,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) jobs: Queue,
    pub(crate) environment: Environment,
}

impl Pruner {
    pub(crate) fn new(
        reader: &LogReader,
        appender: &Arc<Appender>,
        jobs: &Queue,
        environment: &Environment,
    ) -> Self {
        let LogReader { timelines, index, objects } = reader.clone();
        let (appender, jobs) = (Arc::clone(appender), jobs.clone());
        Self { timelines, appender, index, objects, jobs, environment: environment.clone() }
    }

    pub(crate) async fn prune(
        &self,
        timeline: TimelineId,
        keep: &RetainedStates,
        mode: Mode,
    ) -> Result<Reclaimed> {
        let Some(state) = self.timelines.state(timeline).await? else {
            return Ok(Reclaimed::default());
        };
        let from = keep.from.map_or(state.head.lsn, |from| from.min(state.head.lsn));
        let deltas = self.index.of(timeline).await?;
        let (gone, floor, batch) = going(&deltas, &state, from);
        let bytes =
            |delta: &VersionedRecord<DeltaRecord>| delta.record.stored_bytes.cast_unsigned();
        let freed = Reclaimed {
            commits: floor.get().saturating_sub(state.floor.get()),
            bytes: gone.iter().map(bytes).sum(),
            ..Reclaimed::default()
        };
        if mode == Mode::Count || gone.is_empty() {
            return Ok(freed);
        }
        self.raise_floor(timeline, floor, batch).await?;
        for delta in &gone {
            self.index.remove(timeline, delta).await?;
            self.objects.delete(&delta.record.object).await?;
        }
        Ok(freed)
    }

    async fn raise_floor(&self, timeline: TimelineId, floor: Lsn, batch: i64) -> Result<()> {
        let mut backoff = Backoff::new(&self.environment);
        while backoff.attempt().await {
            let Some(stored) = self.timelines.record(timeline).await? else { return Ok(()) };
            let raised = stored.record.raised(floor, batch);
            if raised == stored.record
                || self.timelines.move_record(timeline, &stored, raised).await?
            {
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Seals a timeline, marks it as dropped, and removes its data; after a crash, a job continues.
    pub(crate) async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        let Some(state) = self.timelines.state(timeline).await? else {
            return Ok(Reclaimed::default());
        };
        let freed = self.freed_by_dropping(&state).await?;
        self.seal_at_head(&state).await?;
        let now = self.environment.latest();
        let job = Job::about(JobKind::Cleanup, timeline, now);
        self.jobs.add(&job).await?;
        self.mark_dropped(timeline, now).await?;
        self.clean_up(timeline).await?;
        self.jobs.forget(&job.id).await?;
        Ok(freed)
    }

    async fn seal_at_head(&self, state: &TimelineState) -> Result<()> {
        let mut expected = state.head;
        let mut backoff = Backoff::new(&self.environment);
        while backoff.attempt().await {
            match self.appender.seal(&state.timeline, &expected).await? {
                Append::Done => return Ok(()),
                // Another process drops it too.
                Append::Sealed(head) if head == expected => return Ok(()),
                Append::HeadMoved(head) | Append::Sealed(head) => expected = head,
            }
        }
        Err(busy())
    }

    async fn mark_dropped(&self, timeline: TimelineId, time: DateTime) -> Result<()> {
        let mut backoff = Backoff::new(&self.environment);
        while backoff.attempt().await {
            let Some(stored) = self.timelines.record(timeline).await? else { return Ok(()) };
            let dropped = stored.record.dropped_at(time);
            if self.timelines.move_record(timeline, &stored, dropped).await? {
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Returns the space that [`drop_timeline`](Self::drop_timeline) would free, in deltas and in
    /// the queue.
    pub(crate) async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        let Some(state) = self.timelines.state(timeline).await? else { return Ok(None) };
        self.freed_by_dropping(&state).await.map(Some)
    }

    async fn freed_by_dropping(&self, state: &TimelineState) -> Result<Reclaimed> {
        let timeline = state.timeline.id;
        let commits = state.head.lsn.get().saturating_sub(state.floor.get());
        let deltas = self.index.of(timeline).await?;
        let mut bytes: u64 =
            deltas.iter().map(|delta| delta.record.stored_bytes.cast_unsigned()).sum();
        if let Some(stored) = self.timelines.record(timeline).await? {
            for batch in stored.record.floor_batch + 1..=stored.record.batch {
                bytes += self.timelines.batch_bytes(timeline, batch).await?.bytes;
            }
        }
        Ok(Reclaimed { commits, bytes, ..Reclaimed::default() })
    }

    /// Removes the data of a dropped timeline.
    pub(crate) async fn clean_up(&self, timeline: TimelineId) -> Result<()> {
        let Some(stored) = self.timelines.record(timeline).await? else { return Ok(()) };
        if stored.record.dropped.is_none() {
            return Ok(());
        }
        for delta in self.index.of(timeline).await?.iter() {
            self.objects.delete(&delta.record.object).await?;
            self.index.remove(timeline, delta).await?;
        }
        for batch in stored.record.floor_batch + 1..=stored.record.batch {
            self.timelines.empty_batch(timeline, batch).await?;
            self.jobs.forget(&sync_id(timeline, batch)).await?;
        }
        crate::snapshots::remove_of(&*self.objects, timeline).await
    }
}
