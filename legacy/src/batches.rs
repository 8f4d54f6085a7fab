//! Appending: commits are gathered in a batch, whose job exists before its first commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon_core::model::{Commit, Head, Timeline, TimelineId};
use argon_core::storage::{Append, Backend, Wal};
use argon_core::{Backoff, Environment, Result};
use bson::DateTime;

use crate::jobs::{Job, Queue, WorkSignal, sync_id};
use crate::settings::Settings;
use crate::time::after;
use crate::timelines::{Timelines, batch_of, busy};

/// Appends to timelines, and ends batches that are full.
pub(crate) struct Appender {
    timelines: Arc<Timelines>,
    wal: Arc<dyn Wal>,
    jobs: Queue,
    signal: Arc<WorkSignal>,
    environment: Environment,
    batch_changes: usize,
    batch_time: Duration,
    open: Mutex<HashMap<TimelineId, OpenBatch>>,
}

/// The batch to which this process appended last.
#[derive(Clone, Copy)]
struct OpenBatch {
    number: i64,
    has_job: bool,
    /// The changes that this process appended to it.
    changes: usize,
}

impl Appender {
    pub(crate) fn new(
        timelines: &Arc<Timelines>,
        queue: &Backend,
        jobs: &Queue,
        signal: &Arc<WorkSignal>,
        settings: &Settings,
        environment: &Environment,
    ) -> Self {
        Self {
            timelines: Arc::clone(timelines),
            wal: queue.wal.clone(),
            jobs: jobs.clone(),
            signal: Arc::clone(signal),
            environment: environment.clone(),
            batch_changes: settings.batch_changes,
            batch_time: settings.batch_time,
            open: Mutex::default(),
        }
    }

    /// Changes the entry of a batch, which replaces that of another batch of the timeline.
    fn of_batch<T>(
        &self,
        timeline: TimelineId,
        number: i64,
        change: impl FnOnce(&mut OpenBatch) -> T,
    ) -> T {
        let new = OpenBatch { number, has_job: false, changes: 0 };
        let mut batches = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = batches.entry(timeline).or_insert(new);
        if open.number != number {
            *open = new;
        }
        change(open)
    }

    /// Returns the current time, and the time at which a batch that begins now is ended.
    fn due(&self) -> (DateTime, DateTime) {
        let now = self.environment.now();
        (now, after(now, self.batch_time))
    }

    /// Appends commits to the current batch of a timeline.
    pub(crate) async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: &Arc<[Commit]>,
    ) -> Result<Append> {
        let id = timeline.id;
        let mut backoff = Backoff::new(&self.environment);
        while backoff.attempt().await {
            let known = self.timelines.known_record(id).await?;
            let Some(stored) = self.timelines.found_or_new(known, timeline, expected).await? else {
                return Ok(Append::Sealed(*expected));
            };
            let record = stored.record;
            if record.sealed || record.dropped.is_some() {
                return Ok(Append::Sealed(record.before()));
            }
            let (batch, before) = (record.batch, record.before());
            if *expected == before {
                self.ensure_job(id, batch, before).await?;
            }
            let place = batch_of(id, batch, &before);
            match self.wal.append(&place, expected, commits.clone(), None).await? {
                Append::Done => {
                    self.note_changes(id, batch, commits).await;
                    return Ok(Append::Done);
                }
                Append::HeadMoved(head) => return Ok(Append::HeadMoved(head)),
                Append::Sealed(_) => {
                    let there = self.timelines.batch_state(id, batch).await?;
                    if there.is_some() {
                        self.timelines.rotate_batch(id, batch).await?;
                    } else if self
                        .timelines
                        .record(id)
                        .await?
                        .is_some_and(|now| now.record == record)
                    {
                        // The batch has no commits, so its head is where it begins.
                        return Ok(Append::HeadMoved(before));
                    }
                }
            }
        }
        Err(busy())
    }

    /// Adds the job of a batch before its first commit, so that every commit has one.
    async fn ensure_job(&self, timeline: TimelineId, batch: i64, before: Head) -> Result<()> {
        if self.of_batch(timeline, batch, |open| open.has_job) {
            return Ok(());
        }
        self.jobs.add(&Job::sync(timeline, batch, before, self.due())).await?;
        self.of_batch(timeline, batch, |open| open.has_job = true);
        self.signal.job_added();
        Ok(())
    }

    /// Ends a batch that is full. After a failure, the job of the batch ends it when it is due.
    async fn note_changes(&self, timeline: TimelineId, batch: i64, commits: &[Commit]) {
        let more: usize = commits.iter().map(|commit| commit.changes.len()).sum();
        let all = self.of_batch(timeline, batch, |open| {
            open.changes += more;
            open.changes
        });
        if all < self.batch_changes {
            return;
        }
        let ended = async {
            self.timelines.rotate_batch(timeline, batch).await?;
            self.jobs.run_now(&sync_id(timeline, batch)).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "a full batch could not be ended; its job will end it");
        }
        self.signal.wake_one();
    }

    /// Seals a timeline for good.
    pub(crate) async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        let id = timeline.id;
        let mut backoff = Backoff::new(&self.environment);
        while backoff.attempt().await {
            let there = self.timelines.record(id).await?;
            let Some(stored) = self.timelines.found_or_new(there, timeline, expected).await? else {
                return Ok(Append::Sealed(*expected));
            };
            let (record, before) = (&stored.record, stored.record.before());
            if record.sealed && record.dropped.is_none() && before == *expected {
                return Ok(Append::Done);
            }
            if record.sealed || record.dropped.is_some() {
                return Ok(Append::Sealed(before));
            }
            let there = self.timelines.batch_state(id, record.batch).await?;
            match there {
                Some(there) if there.sealed => {
                    self.timelines.rotate_batch(id, record.batch).await?;
                    continue;
                }
                None if *expected != before => return Ok(Append::HeadMoved(before)),
                Some(there) if there.head != *expected => return Ok(Append::HeadMoved(there.head)),
                _ => {}
            }
            let place = batch_of(id, record.batch, &before);
            match self.wal.seal(&place, expected).await? {
                Append::Done => {}
                Append::HeadMoved(_) | Append::Sealed(_) => continue,
            }
            let sealed = record.sealed_on(expected);
            if self.timelines.move_record(id, &stored, sealed).await? {
                return Ok(Append::Done);
            }
        }
        Err(busy())
    }
}
