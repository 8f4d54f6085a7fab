//! Decorators that fail on demand: a plan says what the next calls come to.

use std::collections::{HashSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use argon_core::model::{
    CollectionId, Commit, Digest, Head, Lsn, Point, Timeline, TimelineId, View,
};
use argon_core::snapshot::Manifest;
use argon_core::storage::{
    Append, Backend, BuildId, CasResult, CommitStream, Direction, Entry, EntryRange, EntryStream,
    HeaderStream, IndexBuild, IndexChanges, Indexes, Reclaimed, RefName, RefVersion, Refs,
    RetainedStates, Snapshots, StoredEntries, TimelineState, Usage, VersionedRef, Wal,
};
use argon_core::{Error, Result};
use async_trait::async_trait;
use bson::Document;
use futures::{StreamExt, stream};
use tokio::sync::Semaphore;

use crate::environment::Random;

/// What happens to one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It fails before anything is changed, and says so.
    Before,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// It is not done, and whether it was is not known.
    LostCall,
    /// It takes a while.
    Slow,
    /// It waits until [`Plan::release`].
    Held,
}

impl Fault {
    const RANDOM: [Fault; 4] = [Fault::Before, Fault::LostAnswer, Fault::LostCall, Fault::Slow];
}

/// What happens to the calls of the decorators that share it. Writes take the planned faults in
/// order, then random ones if there is a rate, then none.
pub(crate) struct Plan {
    planned: Mutex<VecDeque<Fault>>,
    random: Mutex<Option<(Random, u64)>>,
    gone: Mutex<bool>,
    /// Lets one held write through for each permit.
    gate: Semaphore,
    /// How many writes met a fault.
    met: Mutex<u64>,
}

impl Plan {
    /// No faults, until some are planned.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            planned: Mutex::default(),
            random: Mutex::default(),
            gone: Mutex::default(),
            gate: Semaphore::new(0),
            met: Mutex::default(),
        })
    }

    /// What the next writes come to.
    pub(crate) fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.planned.lock().unwrap().extend(faults);
    }

    /// From now on, one write in `times` has a random fault; none with 0.
    pub(crate) fn at_random(&self, stream: u64, times: u64) {
        *self.random.lock().unwrap() = (times > 0).then(|| (Random::new(stream), times));
    }

    /// Whether the server answers no call at all.
    pub(crate) fn set_gone(&self, gone: bool) {
        *self.gone.lock().unwrap() = gone;
    }

    /// Waits until all planned faults have met a write.
    pub(crate) async fn all_met(&self) {
        while !self.planned.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    }

    /// Lets one held write go on.
    pub(crate) fn release(&self) {
        self.gate.add_permits(1);
    }

    /// How many writes met a fault.
    pub(crate) fn met(&self) -> u64 {
        *self.met.lock().unwrap()
    }

    /// A backend whose log, refs and indexes follow the plan, and the removal of snapshots.
    pub(crate) fn decorate(self: &Arc<Self>, backend: Backend) -> Backend {
        Backend {
            wal: Arc::new(FaultyWal { inner: backend.wal, plan: self.clone() }),
            refs: Arc::new(FaultyRefs { inner: backend.refs, plan: self.clone() }),
            snapshots: Arc::new(FaultySnapshots { inner: backend.snapshots, plan: self.clone() }),
            indexes: backend.indexes.map(|inner| -> Arc<dyn Indexes> {
                Arc::new(FaultyIndexes { inner, plan: self.clone() })
            }),
            ..backend
        }
    }

    fn draw(&self) -> Fault {
        if let Some(planned) = self.planned.lock().unwrap().pop_front() {
            return planned;
        }
        let mut random = self.random.lock().unwrap();
        let drawn = random.as_mut().and_then(|(random, times)| {
            random.one_in(*times).then(|| *random.pick(&Fault::RANDOM))
        });
        drawn.unwrap_or(Fault::None)
    }

    fn read(&self) -> Result<()> {
        if *self.gone.lock().unwrap() { Err(unavailable()) } else { Ok(()) }
    }

    /// Makes a write come to what the plan says.
    async fn write<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.read()?;
        let fault = self.draw();
        *self.met.lock().unwrap() += u64::from(fault != Fault::None);
        match fault {
            Fault::Before => return Err(unavailable()),
            Fault::LostCall => return Err(indeterminate()),
            Fault::Held => self.gate.acquire().await.expect("it is never closed").forget(),
            Fault::Slow => tokio::time::sleep(Duration::from_millis(5)).await,
            Fault::None | Fault::LostAnswer => {}
        }
        let answer = call.await;
        if fault == Fault::LostAnswer { Err(indeterminate()) } else { answer }
    }
}

fn unavailable() -> Error {
    Error::unavailable("the store can't be reached, as this trial wants it")
}

fn indeterminate() -> Error {
    Error::indeterminate("the answer was lost, as this trial wants it")
}

struct FaultyWal {
    inner: Arc<dyn Wal>,
    plan: Arc<Plan>,
}

#[async_trait]
impl Wal for FaultyWal {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        self.plan.read()?;
        self.inner.state(timeline).await
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        self.plan.write(self.inner.append(timeline, expected, commits, entries)).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.plan.write(self.inner.seal(timeline, expected)).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        match self.plan.read() {
            Ok(()) => self.inner.read(timeline, range),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        match self.plan.read() {
            Ok(()) => self.inner.read_headers(timeline, range, direction),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.plan.read()?;
        self.inner.timelines().await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.plan.write(self.inner.prune(timeline, keep)).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.plan.read()?;
        self.inner.prunable(timeline, keep).await
    }

    async fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        self.plan.read()?;
        self.inner.usage(timeline, keep).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.plan.write(self.inner.drop_timeline(timeline)).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.plan.read()?;
        self.inner.droppable(timeline).await
    }
}

struct FaultySnapshots {
    inner: Arc<dyn Snapshots>,
    plan: Arc<Plan>,
}

#[async_trait]
impl Snapshots for FaultySnapshots {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.inner.put_chunk(digest, bytes).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.inner.get_chunk(digest).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        self.inner.put_manifest(manifest).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        self.inner.latest_manifest(timeline, at_most).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        self.inner.list().await
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.plan.write(self.inner.remove_manifest(point)).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        self.plan.write(self.inner.sweep_chunks(live, dry_run)).await
    }
}

struct FaultyIndexes {
    inner: Arc<dyn Indexes>,
    plan: Arc<Plan>,
}

#[async_trait]
impl Indexes for FaultyIndexes {
    async fn builds(&self, timeline: TimelineId) -> Result<Arc<[IndexBuild]>> {
        self.plan.read()?;
        self.inner.builds(timeline).await
    }

    async fn reserve(&self, count: u32) -> Result<BuildId> {
        self.plan.write(self.inner.reserve(count)).await
    }

    async fn begin(
        &self,
        timeline: &Timeline,
        head: &Head,
        collection: CollectionId,
        definition: &Document,
    ) -> Result<BuildId> {
        self.plan.write(self.inner.begin(timeline, head, collection, definition)).await
    }

    async fn fill(
        &self,
        timeline: TimelineId,
        build: BuildId,
        from: Lsn,
        added: Vec<Entry>,
        removed: Vec<Entry>,
    ) -> Result<()> {
        self.plan.write(self.inner.fill(timeline, build, from, added, removed)).await
    }

    async fn complete(
        &self,
        timeline: &Timeline,
        build: BuildId,
        head: &Head,
        multikey: bool,
    ) -> Result<Append> {
        self.plan.write(self.inner.complete(timeline, build, head, multikey)).await
    }

    async fn close(&self, timeline: TimelineId, build: BuildId) -> Result<()> {
        self.plan.write(self.inner.close(timeline, build)).await
    }

    fn scan(
        &self,
        view: &View,
        build: BuildId,
        range: EntryRange,
        direction: Direction,
    ) -> EntryStream {
        match self.plan.read() {
            Ok(()) => self.inner.scan(view, build, range, direction),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn holders(&self, view: &View, build: BuildId, keys: Vec<Vec<u8>>) -> Result<Vec<Entry>> {
        self.plan.read()?;
        self.inner.holders(view, build, keys).await
    }

    async fn missing(
        &self,
        view: &View,
        build: BuildId,
        entries: Vec<Entry>,
    ) -> Result<Vec<Entry>> {
        self.plan.read()?;
        self.inner.missing(view, build, entries).await
    }

    async fn stored(&self, timeline: TimelineId, build: BuildId) -> Result<StoredEntries> {
        self.plan.read()?;
        self.inner.stored(timeline, build).await
    }
}

struct FaultyRefs {
    inner: Arc<dyn Refs>,
    plan: Arc<Plan>,
}

#[async_trait]
impl Refs for FaultyRefs {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.plan.read()?;
        self.inner.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        self.plan.read()?;
        self.inner.list(prefix).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        self.plan.write(self.inner.compare_and_set(name, expected, value)).await
    }
}
