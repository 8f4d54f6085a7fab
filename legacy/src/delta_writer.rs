//! Writing deltas: from a batch, and from small deltas. A worker that crashed may have done a step
//! before, and another worker may do it at the same time. So each step may be repeated, and new
//! data exists before the data that it replaces is removed.

use std::sync::Arc;

use argon_core::model::{Commit, Head, Lsn, TimelineId};
use argon_core::storage::Objects;
use argon_core::{Environment, Error, Result};

use crate::delta::{self, SUFFIX};
use crate::index::{Index, covering};
use crate::jobs::{Job, JobKind, Queue};
use crate::reading::LogReader;
use crate::records::{DeltaRecord, VersionedRecord};
use crate::settings::Settings;
use crate::timelines::Timelines;

/// The most bytes of the commits in a joined delta, before compression.
const LARGE_BYTES: u64 = 4 * 1024 * 1024;

/// A compression job is added whenever the number of a timeline's deltas is a multiple of this.
const SMALL_DELTAS: usize = 16;

/// The levels that follow the configured one until the configured ratio is reached.
const HIGHER_LEVELS: [i32; 2] = [9, 19];

/// Moves commits from batches to deltas, and from small deltas to larger ones.
pub(crate) struct DeltaWriter {
    timelines: Arc<Timelines>,
    index: Arc<Index>,
    objects: Arc<dyn Objects>,
    jobs: Queue,
    environment: Environment,
    level: i32,
    ratio: f64,
}

impl DeltaWriter {
    pub(crate) fn new(
        reader: &LogReader,
        jobs: &Queue,
        settings: &Settings,
        environment: &Environment,
    ) -> Self {
        let LogReader { timelines, index, objects } = reader.clone();
        let (level, ratio) = (settings.level, settings.ratio);
        let (jobs, environment) = (jobs.clone(), environment.clone());
        Self { timelines, index, objects, jobs, environment, level, ratio }
    }

    /// Writes the commits of a batch to a delta, and empties the batch.
    pub(crate) async fn sync(&self, timeline: TimelineId, batch: i64, parent: Head) -> Result<()> {
        self.timelines.rotate_batch(timeline, batch).await?;
        let Some(state) = self.timelines.batch_state(timeline, batch).await? else { return Ok(()) };
        let last = state.head.lsn;
        let dropped =
            self.timelines.record(timeline).await?.is_none_or(|it| it.record.dropped.is_some());
        if last <= state.timeline.base_lsn() || dropped {
            return Ok(());
        }
        let deltas = self.index.of(timeline).await?;
        if covering(&deltas, last).is_none() {
            self.upload(timeline, batch, parent, last).await?;
            if (deltas.len() + 1).is_multiple_of(SMALL_DELTAS) {
                let now = self.environment.now();
                self.jobs.add(&Job::about(JobKind::Compression, timeline, now)).await?;
            }
        }
        self.timelines.empty_batch(timeline, batch).await
    }

    async fn upload(
        &self,
        timeline: TimelineId,
        batch: i64,
        parent: Head,
        last: Lsn,
    ) -> Result<()> {
        let first = parent.lsn.next();
        let commits = self.timelines.of_batch(timeline, batch, first, last, usize::MAX).await?;
        let next = commits.last().map_or(first, |commit| commit.meta.lsn.next());
        if next <= last {
            // Another worker recorded the delta and emptied the batch.
            return Err(Error::unavailable(format!(
                "commit {next} of batch {batch} of timeline {timeline} is no longer in the queue"
            )));
        }
        self.store(timeline, (batch, batch), parent, commits, None).await
    }

    /// Compresses and stores commits under a unique name, and records the delta in place of
    /// `replaced`.
    async fn store(
        &self,
        timeline: TimelineId,
        batches: (i64, i64),
        parent: Head,
        commits: Vec<Commit>,
        replaced: Option<&VersionedRecord<DeltaRecord>>,
    ) -> Result<()> {
        let (level, ratio) = (self.level, self.ratio);
        let encoded = tokio::task::spawn_blocking(move || {
            let mut encoded = delta::encode(timeline, parent, &commits, level)?;
            for higher in HIGHER_LEVELS.into_iter().filter(|higher| *higher > level) {
                if encoded.header.ratio() >= ratio {
                    break;
                }
                encoded = delta::encode(timeline, parent, &commits, higher)?;
            }
            Ok::<_, Error>(encoded)
        });
        let encoded = encoded.await.unwrap_or_else(|source| {
            Err(Error::internal("the thread that compresses a delta crashed").with_source(source))
        })?;
        let Some(stored) = self.timelines.record(timeline).await? else { return Ok(()) };
        let (folder, header) = (&stored.record.folder, &encoded.header);
        let name = format!(
            "{folder}{timeline}-{:020}-{:020}-{}{SUFFIX}",
            header.parent.lsn.next().get(),
            header.head.lsn.get(),
            encoded.checksum.short()
        );
        let record = DeltaRecord::new(&encoded, batches, name.clone());
        self.objects.put(&name, encoded.bytes).await?;
        let there = match replaced {
            None => self.index.add(timeline, &record).await?.map(|there| there.object),
            Some(old) => {
                let done = self.index.replace(timeline, old, &record).await?;
                (!done).then(String::new)
            }
        };
        // Another worker was first.
        if there.is_some_and(|there| there != name) {
            self.objects.delete(&name).await?;
        }
        Ok(())
    }

    /// Rewrites runs of small deltas of a timeline into larger ones.
    #[tracing::instrument(level = "info", skip_all, fields(%timeline))]
    pub(crate) async fn compress(&self, timeline: TimelineId) -> Result<()> {
        let deltas = self.index.of(timeline).await?;
        let mut rest = &deltas[..];
        while let Some(first) = rest.first() {
            let (mut run, mut bytes) = (1, first.record.raw_bytes.cast_unsigned());
            for pair in rest.windows(2) {
                bytes += pair[1].record.raw_bytes.cast_unsigned();
                if pair[1].record.first() != pair[0].record.last().next() || bytes > LARGE_BYTES {
                    break;
                }
                run += 1;
            }
            let (small, later) = rest.split_at(run);
            rest = later;
            if run > 1 {
                self.join(timeline, small).await?;
            }
        }
        self.remove_replaced(timeline).await
    }

    async fn join(
        &self,
        timeline: TimelineId,
        small: &[VersionedRecord<DeltaRecord>],
    ) -> Result<()> {
        let (Some(first), Some(last)) = (small.first(), small.last()) else { return Ok(()) };
        let (mut commits, mut parent) = (Vec::new(), None);
        for delta in small {
            // Another process compresses or removes them.
            let Some(read) = delta::read(&*self.objects, &delta.record.object).await? else {
                return Ok(());
            };
            parent = parent.or(Some(read.header.parent));
            commits.extend(read.commits);
        }
        let Some(parent) = parent else { return Ok(()) };
        let batches = (first.record.first_batch, last.record.last_batch);
        self.store(timeline, batches, parent, commits, Some(first)).await?;
        // The record names the new delta now.
        let there = self.index.of(timeline).await?;
        let named = there.iter().any(|delta| delta.record.object == first.record.object);
        if !named {
            self.objects.delete(&first.record.object).await?;
        }
        Ok(())
    }

    /// Removes deltas whose commits are all in a longer one.
    async fn remove_replaced(&self, timeline: TimelineId) -> Result<()> {
        let deltas = self.index.of(timeline).await?;
        for delta in deltas.iter() {
            let record = &delta.record;
            let replaced = deltas.iter().any(|other| {
                other.record.covers(record.first())
                    && other.record.covers(record.last())
                    && (other.record.first(), other.record.last())
                        != (record.first(), record.last())
            });
            if replaced {
                self.index.remove(timeline, delta).await?;
                self.objects.delete(&record.object).await?;
            }
        }
        Ok(())
    }
}
