//! Decorators that count what is asked of a log and of snapshots, and fail or hold writes of
//! snapshots.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use argon_core::model::{Commit, Digest, Head, Lsn, Point, Timeline, TimelineId};
use argon_core::snapshot::Manifest;
use argon_core::storage::{
    Append, Backend, CommitStream, Direction, HeaderStream, IndexChanges, Reclaimed,
    RetainedStates, Snapshots, TimelineState, Usage, Wal,
};
use argon_core::{Error, Result};
use async_trait::async_trait;
use futures::TryStreamExt;
use tokio::sync::Semaphore;

/// How often something was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Commits that were read with their documents.
    pub(crate) commits: u64,
    /// Calls that read them.
    pub(crate) reads: u64,
    /// Lookups of manifests.
    pub(crate) lookups: u64,
    /// Chunks that were fetched.
    pub(crate) chunks: u64,
    /// Chunks and manifests that were stored, or were to be.
    pub(crate) puts: u64,
}

/// What the decorators that share it count and do.
#[derive(Default)]
pub(crate) struct Counts {
    commits: AtomicU64,
    reads: AtomicU64,
    lookups: AtomicU64,
    chunks: AtomicU64,
    puts: AtomicU64,
    /// The first write of a snapshot that fails, counted from 1; 0 for none.
    fails_from: AtomicU64,
    /// Whether no chunk is found.
    lost: AtomicBool,
    held: AtomicBool,
    gate: Gate,
}

struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Counts {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What was asked for since the last call.
    pub(crate) fn take(&self) -> Asked {
        let take = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        Asked {
            commits: take(&self.commits),
            reads: take(&self.reads),
            lookups: take(&self.lookups),
            chunks: take(&self.chunks),
            puts: take(&self.puts),
        }
    }

    /// From the write of this number on, counted from 1, all writes of snapshots fail; none with 0.
    pub(crate) fn fail_from(&self, number: u64) {
        self.fails_from.store(number, Ordering::SeqCst);
    }

    /// Whether chunks are there and not found.
    pub(crate) fn lose_chunks(&self, lost: bool) {
        self.lost.store(lost, Ordering::SeqCst);
    }

    /// Lets writes of snapshots wait until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::SeqCst);
        self.gate.0.add_permits(1000);
    }

    /// A backend that is counted. It has no index of its own, so that it is read from log and
    /// snapshots.
    pub(crate) fn decorate(self: &Arc<Self>, backend: Backend) -> Backend {
        Backend {
            wal: Arc::new(CountedWal { inner: backend.wal, counts: self.clone() }),
            snapshots: Arc::new(CountedSnapshots {
                inner: backend.snapshots,
                counts: self.clone(),
            }),
            materialize: None,
            ..backend
        }
    }

    async fn put<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.puts.fetch_add(1, Ordering::SeqCst) + 1;
        if self.held.load(Ordering::SeqCst) {
            self.gate.0.acquire().await.expect("it is never closed").forget();
        }
        let fails_from = self.fails_from.load(Ordering::SeqCst);
        if fails_from > 0 && number >= fails_from {
            return Err(Error::unavailable("snapshots can't be written, as this trial wants it"));
        }
        call.await
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::SeqCst);
}

struct CountedWal {
    inner: Arc<dyn Wal>,
    counts: Arc<Counts>,
}

#[async_trait]
impl Wal for CountedWal {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        self.inner.state(timeline).await
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        self.inner.append(timeline, expected, commits, entries).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.inner.seal(timeline, expected).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        add(&self.counts.reads);
        let counts = self.counts.clone();
        Box::pin(self.inner.read(timeline, range).inspect_ok(move |_| add(&counts.commits)))
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        self.inner.read_headers(timeline, range, direction)
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.inner.timelines().await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.inner.prune(timeline, keep).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.inner.prunable(timeline, keep).await
    }

    async fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        self.inner.usage(timeline, keep).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.inner.drop_timeline(timeline).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.inner.droppable(timeline).await
    }
}

struct CountedSnapshots {
    inner: Arc<dyn Snapshots>,
    counts: Arc<Counts>,
}

#[async_trait]
impl Snapshots for CountedSnapshots {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.counts.put(self.inner.put_chunk(digest, bytes)).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        add(&self.counts.chunks);
        if self.counts.lost.load(Ordering::SeqCst) {
            return Ok(None);
        }
        self.inner.get_chunk(digest).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        self.counts.put(self.inner.put_manifest(manifest)).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        add(&self.counts.lookups);
        self.inner.latest_manifest(timeline, at_most).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        self.inner.list().await
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.inner.remove_manifest(point).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        self.inner.sweep_chunks(live, dry_run).await
    }
}
