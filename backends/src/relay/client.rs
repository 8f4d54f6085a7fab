//! The backend of a process that uses a store through another one.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use argon_core::Result;
use argon_core::document::key::Key;
use argon_core::model::{
    CollectionId, Commit, Digest, Head, Image, Lsn, Point, Timeline, TimelineId, View,
};
use argon_core::storage::{
    Append, Backend, BuildId, Capabilities, CasResult, CommitStream, Direction, Entry, EntryRange,
    EntryStream, Finding, HeaderStream, IndexBuild, IndexChanges, Indexes, KeyRange, Maintenance,
    Manifest, Materialize, Reclaimed, RefChange, RefName, RefVersion, Refs, RetainedStates,
    SnapshotPolicy, Snapshots, StoreInfo, StoredEntries, TimelineState, Together, Usage, Version,
    VersionStamp, VersionStream, VersionedRef, Wal,
};
use async_trait::async_trait;
use bson::Document as BsonDocument;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::codec::{Decode, Encode};
use super::connection::{Connections, items};
use super::method::Method;
use crate::panics::{error_of_panic, panic_message};

/// Uses the store in a directory through the process that shares it; `None` if none does. Blocks.
pub(crate) fn connect(directory: &Path) -> Result<Option<Backend>> {
    let Some((connections, info)) = Connections::open(directory)? else { return Ok(None) };
    let relayed = Arc::new(Relayed { connections: Arc::new(connections), info });
    Ok(Some(Backend {
        wal: relayed.clone(),
        refs: relayed.clone(),
        snapshots: relayed.clone(),
        materialize: Some(relayed.clone()),
        indexes: Some(relayed.clone()),
        maintenance: relayed,
        deferred: None,
        network: None,
        capabilities: Capabilities { durable: true, shared: true },
        snapshot_policy: SnapshotPolicy::BY_HAND,
        sharing: None,
    }))
}

struct Relayed {
    connections: Arc<Connections>,
    info: StoreInfo,
}

/// A request: the number of the method, and the arguments.
pub(super) fn request(method: Method, arguments: &impl Encode) -> Vec<u8> {
    let mut out = vec![method as u8];
    arguments.put(&mut out);
    out
}

/// Runs what blocks on a thread for that. It runs to its end, even if nobody waits.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|broken| {
        let message = broken.try_into_panic().map(|payload| panic_message(&*payload));
        Err(error_of_panic("a request to another process failed", &message.unwrap_or_default()))
    })
}

impl Relayed {
    async fn call<T: Decode + Send + 'static>(
        &self,
        method: Method,
        arguments: &impl Encode,
    ) -> Result<T> {
        let (connections, request) = (self.connections.clone(), request(method, arguments));
        blocking(move || connections.call(method, &request)).await
    }

    fn stream<T: Decode + Send + 'static>(
        &self,
        method: Method,
        arguments: &impl Encode,
    ) -> BoxStream<'static, Result<T>> {
        let connections = self.connections.clone();
        let begin = Step::Begin(request(method, arguments));
        let batches = stream::try_unfold(begin, move |step| {
            let connections = connections.clone();
            blocking(move || next(&connections, method, step))
        });
        batches.map_ok(|items| stream::iter(items.into_iter().map(Ok))).try_flatten().boxed()
    }
}

/// The next step of reading a stream.
enum Step {
    Begin(Vec<u8>),
    GoOn(std::os::unix::net::UnixStream),
}

/// Reads the next items; `None` at the end.
fn next<T: Decode>(
    connections: &Connections,
    method: Method,
    step: Step,
) -> Result<Option<(Vec<T>, Step)>> {
    let (stream, body) = match step {
        Step::Begin(request) => connections.begin(method, &request)?,
        Step::GoOn(mut stream) => {
            let body = connections.go_on(method, &mut stream)?;
            (stream, body)
        }
    };
    match items(&body) {
        Ok((_, true)) => {
            connections.keep(stream);
            Ok(None)
        }
        Ok((items, false)) => Ok(Some((items, Step::GoOn(stream)))),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl Wal for Relayed {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        self.call(Method::State, &timeline).await
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        self.call(Method::Append, &(timeline, expected, commits, entries)).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.call(Method::Seal, &(timeline, expected)).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        self.stream(Method::Read, &(timeline, *range.start(), *range.end()))
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        self.stream(Method::ReadHeaders, &(timeline, *range.start(), *range.end(), direction))
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.call(Method::Timelines, &()).await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.call(Method::Prune, &(timeline, keep)).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.call(Method::Prunable, &(timeline, keep)).await
    }

    async fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        self.call(Method::Usage, &(timeline, keep)).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.call(Method::DropTimeline, &timeline).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.call(Method::Droppable, &timeline).await
    }
}

#[async_trait]
impl Refs for Relayed {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.call(Method::GetRef, &name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        self.call(Method::ListRefs, &prefix).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        self.call(Method::CompareAndSet, &(name, expected, value)).await
    }

    async fn change_together(&self, changes: Vec<RefChange>) -> Result<Together> {
        self.call(Method::ChangeTogether, &changes).await
    }
}

#[async_trait]
impl Snapshots for Relayed {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.call(Method::PutChunk, &(digest, bytes)).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.call(Method::GetChunk, &digest).await
    }

    async fn missing_chunks(&self, wanted: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        self.call(Method::MissingChunks, wanted).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        self.call(Method::PutManifest, manifest).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        self.call(Method::LatestManifest, &(timeline, at_most)).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        self.call(Method::ListSnapshots, &()).await
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.call(Method::RemoveManifest, &point).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        self.call(Method::SweepChunks, &(live, dry_run)).await
    }
}

/// Predicates are evaluated here, as a function can't be sent.
#[async_trait]
impl Materialize for Relayed {
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>> {
        self.call(Method::Get, &(view, collection, key)).await
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        self.stream(Method::GetMany, &(view, collection, keys)).try_collect().await
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>> {
        self.call(Method::Stamps, &(view, collection, keys)).await
    }

    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream {
        self.stream(Method::Scan, &(view, collection, range))
    }

    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>> {
        self.stream(Method::History, &(view, collection, key))
    }
}

#[async_trait]
impl Indexes for Relayed {
    async fn builds(&self, timeline: TimelineId) -> Result<Arc<[IndexBuild]>> {
        self.call(Method::Builds, &timeline).await
    }

    async fn reserve(&self, count: u32) -> Result<BuildId> {
        self.call(Method::ReserveBuilds, &count).await
    }

    async fn begin(
        &self,
        timeline: &Timeline,
        head: &Head,
        collection: CollectionId,
        definition: &BsonDocument,
    ) -> Result<BuildId> {
        self.call(Method::BeginBuild, &(timeline, head, collection, definition)).await
    }

    async fn fill(
        &self,
        timeline: TimelineId,
        build: BuildId,
        from: Lsn,
        added: Vec<Entry>,
        removed: Vec<Entry>,
    ) -> Result<()> {
        self.call(Method::FillBuild, &(timeline, build, from, added, removed)).await
    }

    async fn complete(
        &self,
        timeline: &Timeline,
        build: BuildId,
        head: &Head,
        multikey: bool,
    ) -> Result<Append> {
        self.call(Method::CompleteBuild, &(timeline, build, head, multikey)).await
    }

    async fn close(&self, timeline: TimelineId, build: BuildId) -> Result<()> {
        self.call(Method::CloseBuild, &(timeline, build)).await
    }

    fn scan(
        &self,
        view: &View,
        build: BuildId,
        range: EntryRange,
        direction: Direction,
    ) -> EntryStream {
        self.stream(Method::ScanEntries, &(view, build, range, direction))
    }

    async fn holders(&self, view: &View, build: BuildId, keys: Vec<Vec<u8>>) -> Result<Vec<Entry>> {
        self.call(Method::Holders, &(view, build, keys)).await
    }

    async fn missing(
        &self,
        view: &View,
        build: BuildId,
        entries: Vec<Entry>,
    ) -> Result<Vec<Entry>> {
        self.call(Method::MissingEntries, &(view, build, entries)).await
    }

    async fn stored(&self, timeline: TimelineId, build: BuildId) -> Result<StoredEntries> {
        self.call(Method::StoredEntries, &(timeline, build)).await
    }
}

#[async_trait]
impl Maintenance for Relayed {
    fn info(&self) -> StoreInfo {
        self.info.clone()
    }

    async fn stored_bytes(&self) -> Result<u64> {
        self.call(Method::StoredBytes, &()).await
    }

    async fn compact(&self) -> Result<()> {
        self.call(Method::Compact, &()).await
    }

    async fn open_elsewhere(&self) -> Result<Vec<Point>> {
        self.call(Method::OpenStates, &()).await
    }

    fn verify(&self) -> BoxStream<'static, Result<Finding>> {
        self.stream(Method::Verify, &())
    }
}
