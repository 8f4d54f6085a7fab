//! The timelines of a legacy store: their records, and their batches in the queue's log.
//!
//! A batch is a timeline of its own in the queue's log, based on the head at which it begins, so
//! that positions and digests go on and that log's compare-and-set is this one's too. It is sealed
//! when it is full, and only then does the record move on to the next; any process that finds a
//! sealed batch moves the record. So of two writers that expect the same head, one finds the
//! other's commits or the seal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon_core::model::{Commit, Digest, Head, Lsn, Point, Timeline, TimelineId};
use argon_core::storage::{
    Append, Backend, CasResult, Reclaimed, Refs, RetainedStates, TimelineState, Wal,
};
use argon_core::{Backoff, Environment, Error, Result, branch_of_timeline};
use futures::TryStreamExt;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::records::{TIMELINES, TimelineRecord, VersionedRecord, decode, encode, timeline_ref};

/// The characters of a project's or branch's name that are escaped in an object's name.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'/').add(b'%').add(b'?').add(b'#').add(b'\\').add(b':');

/// The records of timelines, and the log with their batches. A record that another
/// process has moved since it was read shows by the seal of its batch.
pub(crate) struct Timelines {
    refs: Arc<dyn Refs>,
    wal: Arc<dyn Wal>,
    /// Whether other processes may move records.
    shared: bool,
    environment: Environment,
    known: Mutex<HashMap<TimelineId, VersionedRecord<TimelineRecord>>>,
}

/// The identifier of a batch in the queue's log.
pub(crate) fn batch_id(timeline: TimelineId, batch: i64) -> TimelineId {
    let mut name = b"argon legacy batch".to_vec();
    name.extend_from_slice(timeline.as_bytes());
    name.extend_from_slice(&batch.to_le_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&Digest::of(&name).as_bytes()[..16]);
    TimelineId::from_bytes(id)
}

/// Returns a batch as a timeline of the queue's log.
pub(crate) fn batch_of(timeline: TimelineId, batch: i64, before: &Head) -> Timeline {
    let base = (before.lsn.get() > 0).then_some(Point { timeline, lsn: before.lsn });
    Timeline { id: batch_id(timeline, batch), base }
}

pub(crate) fn busy() -> Error {
    Error::unavailable("other writers changed the timeline during every attempt; try again later")
}

impl Timelines {
    pub(crate) fn new(queue: &Backend, environment: &Environment) -> Self {
        Self {
            environment: environment.clone(),
            refs: queue.refs.clone(),
            wal: queue.wal.clone(),
            shared: queue.capabilities.shared,
            known: Mutex::default(),
        }
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TimelineId, VersionedRecord<TimelineRecord>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, timeline: TimelineId) {
        self.known().remove(&timeline);
    }

    /// Reads the record of a timeline from the store.
    pub(crate) async fn record(
        &self,
        timeline: TimelineId,
    ) -> Result<Option<VersionedRecord<TimelineRecord>>> {
        let name = timeline_ref(timeline);
        let Some(stored) = self.refs.get(&name).await? else {
            self.forget(timeline);
            return Ok(None);
        };
        let stored: VersionedRecord<TimelineRecord> = decode(&name, stored)?;
        self.known().insert(timeline, stored.clone());
        Ok(Some(stored))
    }

    /// Returns the cached record of a timeline, or reads it. Another process may have moved a
    /// cached one.
    pub(crate) async fn known_record(
        &self,
        timeline: TimelineId,
    ) -> Result<Option<VersionedRecord<TimelineRecord>>> {
        let known = self.known().get(&timeline).cloned();
        match known {
            Some(stored) => Ok(Some(stored)),
            None => self.record(timeline).await,
        }
    }

    /// Replaces a record by compare-and-set; false if it was moved since it was read.
    pub(crate) async fn move_record(
        &self,
        timeline: TimelineId,
        read: &VersionedRecord<TimelineRecord>,
        record: TimelineRecord,
    ) -> Result<bool> {
        let (name, value) = (timeline_ref(timeline), encode(&record)?);
        self.forget(timeline);
        let swap = self.refs.compare_and_set(&name, Some(&read.version), Some(value)).await?;
        let CasResult::Done(Some(version)) = swap else { return Ok(false) };
        self.known().insert(timeline, VersionedRecord { record, version });
        Ok(true)
    }

    /// Returns the current record of a timeline, from the store if other processes may have moved
    /// it.
    pub(crate) async fn current(
        &self,
        timeline: TimelineId,
    ) -> Result<Option<VersionedRecord<TimelineRecord>>> {
        if self.shared { self.record(timeline).await } else { self.known_record(timeline).await }
    }

    /// Returns the record of a timeline for a write after `expected`: the record that was found, or
    /// a new one. `None` if the timeline does not begin at `expected`, so it was dropped.
    pub(crate) async fn found_or_new(
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
        self.refs.compare_and_set(&name, None, Some(encode(&record)?)).await?;
        let there = self.record(timeline.id).await?;
        there.map(Some).ok_or_else(|| {
            Error::conflict("another process removed the timeline during its creation")
        })
    }

    /// Lists the timelines that have a record, including dropped ones.
    pub(crate) async fn recorded(&self) -> Result<Vec<TimelineId>> {
        let listed = self.refs.list(TIMELINES).await?;
        let named = |name: &str| name.strip_prefix(TIMELINES)?.parse().ok();
        Ok(listed.iter().filter_map(|(name, _)| named(name)).collect())
    }

    /// Returns the state of a batch in the queue's log.
    pub(crate) async fn batch_state(
        &self,
        timeline: TimelineId,
        batch: i64,
    ) -> Result<Option<TimelineState>> {
        self.wal.state(batch_id(timeline, batch)).await
    }

    /// Returns the state of a timeline as core sees it.
    pub(crate) async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        let mut backoff = Backoff::new(&self.environment);
        while backoff.attempt().await {
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
                // A later batch may have more commits.
                Some(batch) if batch.sealed => {
                    self.rotate_batch(timeline, record.batch).await?;
                    continue;
                }
                Some(batch) => batch.head,
                None => {
                    // A removed batch has no state, like one without commits.
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

    /// Seals a batch, and moves the record on to the next; does nothing if the record already names
    /// another batch.
    pub(crate) async fn rotate_batch(&self, timeline: TimelineId, batch: i64) -> Result<()> {
        let mut backoff = Backoff::new(&self.environment);
        while backoff.attempt().await {
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
                match self.wal.seal(&place, &head).await? {
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

    /// Removes a record, unless it was moved since it was read.
    pub(crate) async fn remove_record(
        &self,
        timeline: TimelineId,
        read: &VersionedRecord<TimelineRecord>,
    ) -> Result<()> {
        let name = timeline_ref(timeline);
        self.refs.compare_and_set(&name, Some(&read.version), None).await?;
        self.forget(timeline);
        Ok(())
    }

    /// Reads the commits of a batch from `from` up to the one that reaches `most_bytes` of
    /// documents. The run is short or empty if the batch was emptied meanwhile.
    pub(crate) async fn of_batch(
        &self,
        timeline: TimelineId,
        batch: i64,
        from: Lsn,
        upto: Lsn,
        most_bytes: usize,
    ) -> Result<Vec<Commit>> {
        let mut commits = self.wal.read(batch_id(timeline, batch), from..=upto);
        let (mut found, mut bytes, mut next) = (Vec::new(), 0, from);
        while let Some(commit) = commits.try_next().await? {
            if commit.meta.lsn != next {
                break;
            }
            (bytes, next) = (bytes + commit.document_bytes(), next.next());
            found.push(commit);
            if bytes >= most_bytes {
                break;
            }
        }
        Ok(found)
    }

    /// Removes the commits of a sealed batch, which stays sealed.
    pub(crate) async fn empty_batch(&self, timeline: TimelineId, batch: i64) -> Result<()> {
        let nothing = RetainedStates::default();
        self.wal.prune(batch_id(timeline, batch), &nothing).await.map(drop)
    }

    /// Returns the space that [`empty_batch`](Self::empty_batch) would free.
    pub(crate) async fn batch_bytes(&self, timeline: TimelineId, batch: i64) -> Result<Reclaimed> {
        self.wal.prunable(batch_id(timeline, batch), &RetainedStates::default()).await
    }

    /// Removes a batch and its seal, once no writer can be late for it.
    pub(crate) async fn drop_batch(&self, timeline: TimelineId, batch: i64) -> Result<()> {
        self.wal.drop_timeline(batch_id(timeline, batch)).await.map(drop)
    }

    /// Returns the folder for the deltas of a timeline, named by its current branch.
    pub(crate) async fn folder_of(&self, timeline: TimelineId) -> Result<String> {
        let branch = branch_of_timeline(&*self.refs, timeline).await?;
        let escaped = |name: &str| utf8_percent_encode(name, ESCAPED).to_string();
        Ok(match branch {
            Some((project, branch)) => {
                let (project, branch) = (escaped(project.as_str()), escaped(branch.as_str()));
                format!("projects/{project}/branches/{branch}/deltas/")
            }
            None => "projects/-/branches/-/deltas/".to_owned(),
        })
    }
}
