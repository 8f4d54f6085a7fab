//! Where the commits of a timeline are gathered: its record, and its batches in the queue's log.
//!
//! A batch is a timeline of its own in the queue's log, based on the head at which it begins, so that
//! positions and digests go on and that log's compare-and-set is this one's too. It is sealed when it
//! is full, and only then does the record move on to the next; whoever finds a sealed batch moves the
//! record. So of two writers that expect the same head, one finds the other's commits or the seal.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon_core::model::{Commit, Digest, Head, Point, Timeline, TimelineId};
use argon_core::storage::{Append, CasResult, TimelineState};
use argon_core::{Error, Result};

use crate::engine::LegacyEngine;
use crate::jobs::{Job, sync_id};
use crate::records::{TIMELINES, TimelineRecord, VersionedRecord, decode, encode, timeline_ref};

/// How often others may be in the way of one step.
const ATTEMPTS: u32 = 100;

/// What this process knows of timelines. A record that others have moved since is noticed by the seal
/// of its batch.
#[derive(Default)]
pub(crate) struct TimelineCache(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    records: HashMap<TimelineId, VersionedRecord<TimelineRecord>>,
    open: HashMap<TimelineId, OpenBatch>,
}

/// The batch to which this process appended last.
#[derive(Clone, Copy)]
struct OpenBatch {
    number: i64,
    has_job: bool,
    /// The changes that this process appended to it.
    changes: usize,
}

impl TimelineCache {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn forget(&self, timeline: TimelineId) {
        self.memory().records.remove(&timeline);
    }

    /// Changes the entry of a batch, which replaces that of another batch of the timeline.
    fn of_batch<T>(
        &self,
        timeline: TimelineId,
        number: i64,
        change: impl FnOnce(&mut OpenBatch) -> T,
    ) -> T {
        let new = OpenBatch { number, has_job: false, changes: 0 };
        let mut memory = self.memory();
        let open = memory.open.entry(timeline).or_insert(new);
        if open.number != number {
            *open = new;
        }
        change(open)
    }
}

/// The name of a batch in the queue's log.
pub(crate) fn batch_id(timeline: TimelineId, batch: i64) -> TimelineId {
    let mut name = b"argon legacy batch".to_vec();
    name.extend_from_slice(timeline.as_bytes());
    name.extend_from_slice(&batch.to_le_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&Digest::of(&name).as_bytes()[..16]);
    TimelineId::from_bytes(id)
}

/// A batch as a timeline of the queue's log.
fn batch_of(timeline: TimelineId, batch: i64, before: &Head) -> Timeline {
    let base = (before.lsn.get() > 0).then_some(Point { timeline, lsn: before.lsn });
    Timeline { id: batch_id(timeline, batch), base }
}

pub(crate) fn busy() -> Error {
    Error::unavailable("the timeline is written by others all the time; try again later")
}

impl LegacyEngine {
    /// The record of a timeline as it is now.
    pub(crate) async fn record(
        &self,
        timeline: TimelineId,
    ) -> Result<Option<VersionedRecord<TimelineRecord>>> {
        let name = timeline_ref(timeline);
        let Some(stored) = self.queue.refs.get(&name).await? else {
            self.known.forget(timeline);
            return Ok(None);
        };
        let stored: VersionedRecord<TimelineRecord> = decode(&name, stored)?;
        self.known.memory().records.insert(timeline, stored.clone());
        Ok(Some(stored))
    }

    /// The record of a timeline; one that is known may have been moved by other processes since.
    async fn known_record(
        &self,
        timeline: TimelineId,
    ) -> Result<Option<VersionedRecord<TimelineRecord>>> {
        let known = self.known.memory().records.get(&timeline).cloned();
        match known {
            Some(stored) => Ok(Some(stored)),
            None => self.record(timeline).await,
        }
    }

    /// Moves a record that was read; whether it was as it was read.
    pub(crate) async fn move_record(
        &self,
        timeline: TimelineId,
        read: &VersionedRecord<TimelineRecord>,
        record: TimelineRecord,
    ) -> Result<bool> {
        let (name, value) = (timeline_ref(timeline), encode(&record)?);
        self.known.forget(timeline);
        let swap = self.queue.refs.compare_and_set(&name, Some(&read.version), Some(value)).await?;
        let CasResult::Done(Some(version)) = swap else { return Ok(false) };
        self.known.memory().records.insert(timeline, VersionedRecord { record, version });
        Ok(true)
    }

    /// The record of a timeline as it is now, asked of the store only if other processes may have moved
    /// it.
    pub(crate) async fn current(
        &self,
        timeline: TimelineId,
    ) -> Result<Option<VersionedRecord<TimelineRecord>>> {
        if self.shared { self.record(timeline).await } else { self.known_record(timeline).await }
    }

    /// The record of a timeline that is to be written to after `expected`: the one that was found, or a
    /// new one. `None` if the timeline can't begin there, so that it was dropped.
    async fn found_or_new(
        &self,
        found: Option<VersionedRecord<TimelineRecord>>,
        timeline: &Timeline,
        expected: &Head,
    ) -> Result<Option<VersionedRecord<TimelineRecord>>> {
        if found.is_some() || expected.lsn != timeline.base_lsn() {
            return Ok(found);
        }
        let record = TimelineRecord::new(timeline, expected, self.folder_of(timeline.id).await?);
        let name = timeline_ref(timeline.id);
        self.queue.refs.compare_and_set(&name, None, Some(encode(&record)?)).await?;
        let there = self.record(timeline.id).await?;
        there.map(Some).ok_or_else(|| Error::conflict("the timeline was removed while it was made"))
    }

    /// The timelines that have a record, those that were dropped among them.
    pub(crate) async fn recorded(&self) -> Result<Vec<TimelineId>> {
        let listed = self.queue.refs.list(TIMELINES).await?;
        let named = |name: &str| name.strip_prefix(TIMELINES)?.parse().ok();
        Ok(listed.iter().filter_map(|(name, _)| named(name)).collect())
    }

    /// What is known of a batch in the queue.
    pub(crate) async fn batch_state(
        &self,
        timeline: TimelineId,
        batch: i64,
    ) -> Result<Option<TimelineState>> {
        self.queue.wal.state(batch_id(timeline, batch)).await
    }

    /// The state of a timeline as core sees it.
    pub(crate) async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.current(timeline).await? else { return Ok(None) };
            let VersionedRecord { record, version } = stored;
            if record.dropped.is_some() {
                return Ok(None);
            }
            let base = record.timeline(timeline);
            let found = |head| TimelineState {
                timeline: base,
                head,
                sealed: record.sealed,
                floor: record.floor(),
            };
            if record.sealed {
                return Ok(Some(found(record.before())));
            }
            let head = match self.batch_state(timeline, record.batch).await? {
                // Others may have gone on in a later batch, which has more.
                Some(batch) if batch.sealed => {
                    self.rotate_batch(timeline, record.batch).await?;
                    continue;
                }
                Some(batch) => batch.head,
                None => {
                    // A batch that is long gone reads as one that is not begun.
                    let still = self.current(timeline).await?;
                    if still.is_none_or(|still| still.version != version) {
                        continue;
                    }
                    record.before()
                }
            };
            return Ok((head.lsn > base.base_lsn()).then(|| found(head)));
        }
        Err(busy())
    }

    /// Appends commits to the batch that takes them.
    pub(crate) async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: &Arc<[Commit]>,
    ) -> Result<Append> {
        let id = timeline.id;
        for _ in 0..ATTEMPTS {
            let known = self.known_record(id).await?;
            let Some(stored) = self.found_or_new(known, timeline, expected).await? else {
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
            match self.queue.wal.append(&place, expected, commits.clone()).await? {
                Append::Done => {
                    self.note_changes(id, batch, commits).await;
                    return Ok(Append::Done);
                }
                Append::HeadMoved(head) => return Ok(Append::HeadMoved(head)),
                Append::Sealed(_) => {
                    let there = self.batch_state(id, batch).await?;
                    if there.is_some() {
                        self.rotate_batch(id, batch).await?;
                    } else if self.record(id).await?.is_some_and(|now| now.record == record) {
                        // It is not begun, and so its head is where it begins.
                        return Ok(Append::HeadMoved(before));
                    }
                }
            }
        }
        Err(busy())
    }

    /// Makes sure that a batch has its job before it has its first commit, so that no commit is
    /// without one.
    async fn ensure_job(&self, timeline: TimelineId, batch: i64, before: Head) -> Result<()> {
        if self.known.of_batch(timeline, batch, |open| open.has_job) {
            return Ok(());
        }
        self.jobs.add(&Job::sync(timeline, batch, before, self.batch_due())).await?;
        self.known.of_batch(timeline, batch, |open| open.has_job = true);
        self.resting.store(false, Ordering::Relaxed);
        self.wake.notify_one();
        Ok(())
    }

    /// Ends a batch that is full. What fails here is done by the batch's job, when it is due.
    async fn note_changes(&self, timeline: TimelineId, batch: i64, commits: &[Commit]) {
        let more: usize = commits.iter().map(|commit| commit.changes.len()).sum();
        let all = self.known.of_batch(timeline, batch, |open| {
            open.changes += more;
            open.changes
        });
        if all < self.settings.batch_changes {
            return;
        }
        let ended = async {
            self.rotate_batch(timeline, batch).await?;
            self.jobs.run_now(&sync_id(timeline, batch)).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "a full batch could not be ended; its job will");
        }
        self.wake.notify_one();
    }

    /// Seals a batch where it is, and moves the record on to the next; nothing happens if it is not
    /// the one that takes commits.
    pub(crate) async fn rotate_batch(&self, timeline: TimelineId, batch: i64) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.record(timeline).await? else { return Ok(()) };
            let record = &stored.record;
            if record.batch != batch || record.sealed || record.dropped.is_some() {
                return Ok(());
            }
            let before = record.before();
            let there = self.batch_state(timeline, batch).await?;
            let mut head = there.map_or(before, |there| there.head);
            if there.is_none_or(|there| !there.sealed) {
                let place = batch_of(timeline, batch, &before);
                match self.queue.wal.seal(&place, &head).await? {
                    Append::Done => {}
                    Append::Sealed(at) => head = at,
                    Append::HeadMoved(_) => continue,
                }
            }
            let rolled = record.rolled(&head);
            if self.move_record(timeline, &stored, rolled).await? {
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Seals a timeline for good.
    pub(crate) async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        let id = timeline.id;
        for _ in 0..ATTEMPTS {
            let there = self.record(id).await?;
            let Some(stored) = self.found_or_new(there, timeline, expected).await? else {
                return Ok(Append::Sealed(*expected));
            };
            let (record, before) = (&stored.record, stored.record.before());
            if record.sealed && record.dropped.is_none() && before == *expected {
                return Ok(Append::Done);
            }
            if record.sealed || record.dropped.is_some() {
                return Ok(Append::Sealed(before));
            }
            let there = self.batch_state(id, record.batch).await?;
            match there {
                Some(there) if there.sealed => {
                    self.rotate_batch(id, record.batch).await?;
                    continue;
                }
                None if *expected != before => return Ok(Append::HeadMoved(before)),
                Some(there) if there.head != *expected => return Ok(Append::HeadMoved(there.head)),
                _ => {}
            }
            let place = batch_of(id, record.batch, &before);
            match self.queue.wal.seal(&place, expected).await? {
                Append::Done => {}
                Append::HeadMoved(_) | Append::Sealed(_) => continue,
            }
            let sealed = record.sealed_on(expected);
            if self.move_record(id, &stored, sealed).await? {
                return Ok(Append::Done);
            }
        }
        Err(busy())
    }
}
