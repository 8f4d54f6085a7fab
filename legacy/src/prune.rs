//! Garbage collection: whole deltas go that lie below what is kept.
//!
//! Core has made snapshots of all kept states below, so nobody needs the log there. The floor in the
//! timeline's record is raised first, then the records of the deltas go, then their objects.

use std::time::Duration;

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{Append, Reclaimed, RetainedStates, TimelineState};

use crate::engine::{LegacyEngine, ago};
use crate::jobs::{Job, JobKind, sync_id};
use crate::records::{DELTAS, DeltaRecord, VersionedRecord, decode, timeline_ref};
use crate::timeline::{batch_id, busy};

const ATTEMPTS: u32 = 100;

/// How long the traces of what is gone stay, so that whoever is late finds them.
pub(crate) const LATE: Duration = Duration::from_hours(24);

/// What the names of deltas end with.
pub(crate) const DELTA: &str = ".delta";

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Remove,
    /// What would be removed is counted.
    Count,
}

/// The deltas that go: those that follow each other from the floor up and end below `from`.
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

impl LegacyEngine {
    pub(crate) async fn prune(
        &self,
        timeline: TimelineId,
        keep: &RetainedStates,
        mode: Mode,
    ) -> Result<Reclaimed> {
        let Some(state) = self.state(timeline).await? else { return Ok(Reclaimed::default()) };
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
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.record(timeline).await? else { return Ok(()) };
            let raised = stored.record.raised(floor, batch);
            if raised == stored.record || self.move_record(timeline, &stored, raised).await? {
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Ends a timeline, marks it as dropped, and removes what it had; a job finishes what is cut off.
    pub(crate) async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        let Some(mut state) = self.state(timeline).await? else { return Ok(Reclaimed::default()) };
        let freed = self.freed_by_dropping(&state).await?;
        for _ in 0..ATTEMPTS {
            match self.seal(&state.timeline, &state.head).await? {
                Append::Done => break,
                Append::HeadMoved(head) | Append::Sealed(head) => state.head = head,
            }
        }
        let now = self.environment.latest();
        let job = Job::about(JobKind::Cleanup, timeline, now);
        self.jobs.add(&job).await?;
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.record(timeline).await? else { break };
            let dropped = stored.record.dropped_at(now);
            if self.move_record(timeline, &stored, dropped).await? {
                break;
            }
        }
        self.clean_up(timeline).await?;
        self.jobs.forget(&job.id).await?;
        Ok(freed)
    }

    /// What [`drop_timeline`](Self::drop_timeline) would free, in deltas and in the queue.
    pub(crate) async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        let Some(state) = self.state(timeline).await? else { return Ok(None) };
        self.freed_by_dropping(&state).await.map(Some)
    }

    async fn freed_by_dropping(&self, state: &TimelineState) -> Result<Reclaimed> {
        let timeline = state.timeline.id;
        let commits = state.head.lsn.get().saturating_sub(state.floor.get());
        let deltas = self.index.of(timeline).await?;
        let mut bytes: u64 =
            deltas.iter().map(|delta| delta.record.stored_bytes.cast_unsigned()).sum();
        if let Some(stored) = self.record(timeline).await? {
            for batch in stored.record.floor_batch + 1..=stored.record.batch {
                let wal = &self.queue.wal;
                bytes += wal
                    .prunable(batch_id(timeline, batch), &RetainedStates::default())
                    .await?
                    .bytes;
            }
        }
        Ok(Reclaimed { commits, bytes, ..Reclaimed::default() })
    }

    /// Removes what a dropped timeline had.
    pub(crate) async fn clean_up(&self, timeline: TimelineId) -> Result<()> {
        let Some(stored) = self.record(timeline).await? else { return Ok(()) };
        if stored.record.dropped.is_none() {
            return Ok(());
        }
        for delta in self.index.of(timeline).await?.iter() {
            self.objects.delete(&delta.record.object).await?;
            self.index.remove(timeline, delta).await?;
        }
        for batch in stored.record.floor_batch + 1..=stored.record.batch {
            self.queue.wal.prune(batch_id(timeline, batch), &RetainedStates::default()).await?;
            self.jobs.forget(&sync_id(timeline, batch)).await?;
        }
        crate::snapshots::remove_of(&*self.objects, timeline).await
    }

    /// The daily cleaning: traces that nobody can be late for any more, and objects that no record
    /// names.
    #[tracing::instrument(level = "info", skip_all)]
    pub(crate) async fn clean_daily(&self) -> Result<()> {
        let before = ago(self.environment.earliest(), LATE);
        for job in self.jobs.done_before(before).await? {
            if let (JobKind::Sync, Some(timeline)) = (job.kind, job.timeline) {
                self.queue.wal.drop_timeline(batch_id(timeline, job.batch)).await?;
            }
            self.jobs.forget(&job.id).await?;
        }
        self.forget_dropped(before).await?;
        self.remove_unnamed(before).await
    }

    async fn forget_dropped(&self, before: bson::DateTime) -> Result<()> {
        for timeline in self.recorded().await? {
            let Some(stored) = self.record(timeline).await? else { continue };
            if stored.record.dropped.is_none_or(|dropped| dropped >= before) {
                continue;
            }
            self.clean_up(timeline).await?;
            for batch in stored.record.floor_batch + 1..=stored.record.batch {
                self.queue.wal.drop_timeline(batch_id(timeline, batch)).await?;
            }
            let name = timeline_ref(timeline);
            self.queue.refs.compare_and_set(&name, Some(&stored.version), None).await?;
            self.known.forget(timeline);
        }
        Ok(())
    }

    /// Removes deltas that were uploaded and never recorded, and such that were replaced.
    async fn remove_unnamed(&self, before: bson::DateTime) -> Result<()> {
        let objects = self.objects.list("projects/").await?;
        let old = objects.into_iter().filter(|object| object.modified < before);
        let old: Vec<String> =
            old.map(|object| object.name).filter(|name| name.ends_with(DELTA)).collect();
        let mut named = std::collections::HashSet::new();
        for (name, stored) in self.queue.refs.list(DELTAS).await? {
            let record = decode::<DeltaRecord>(&name, stored)?.record;
            named.insert(record.object);
        }
        for name in old.iter().filter(|name| !named.contains(*name)) {
            self.objects.delete(name).await?;
        }
        Ok(())
    }
}
