//! The handle of an opened store: the traits of a backend over the store's parts.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Commit, Digest, Head, Lsn, Point, Timeline, TimelineId};
use argon_core::snapshot::Manifest;
use argon_core::storage::{
    Append, CasResult, CommitStream, Direction, Finding, HeaderStream, IndexChanges, Maintenance,
    Reclaimed, RefName, RefVersion, Refs, RetainedStates, Snapshots, StoreInfo, TimelineState,
    Usage, VersionedRef, Wal,
};
use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::s3::chunks::ChunkStore;
use crate::s3::log::Log;
use crate::s3::log::prune::Mode;
use crate::s3::manifests::ManifestStore;
use crate::s3::refs::RefStore;
use crate::s3::store::S3Store;
use crate::s3::{maintenance, verify};

/// An opened store in S3.
pub(super) struct S3Backend {
    store: Arc<S3Store>,
    log: Log,
    refs: RefStore,
    chunks: ChunkStore,
    manifests: ManifestStore,
}

impl S3Backend {
    pub(super) fn new(store: S3Store) -> Self {
        let store = Arc::new(store);
        Self {
            log: Log::new(&store),
            refs: RefStore::new(store.clone()),
            chunks: ChunkStore::new(store.clone()),
            manifests: ManifestStore::new(store.clone()),
            store,
        }
    }
}

#[async_trait]
impl Wal for S3Backend {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        self.log.heads.state(timeline).await
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        _: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        self.log.writer.append(timeline, expected, commits).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.log.writer.seal(timeline, expected).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        self.log.reader.walk(timeline, &range, Direction::Ascending)
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        self.log.reader.walk(timeline, &range, direction)
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.log.index.timelines().await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.log.pruner.prune(timeline, keep, Mode::Remove).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.log.pruner.prune(timeline, keep, Mode::Count).await
    }

    async fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        self.log.pruner.usage(timeline, keep).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.log.pruner.drop_timeline(timeline).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.log.pruner.droppable(timeline).await
    }
}

#[async_trait]
impl Refs for S3Backend {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.refs.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        self.refs.list(prefix).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        self.refs.compare_and_set(name, expected, value).await
    }
}

#[async_trait]
impl Snapshots for S3Backend {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.chunks.put(digest, &bytes.into()).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.chunks.get(digest).await
    }

    async fn missing_chunks(&self, wanted: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        self.chunks.missing(wanted).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        self.chunks.check_present(manifest).await?;
        self.manifests.put(manifest).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        self.manifests.latest(timeline, at_most).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        self.manifests.list().await
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.manifests.remove(point).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        self.chunks.sweep(live, dry_run).await
    }
}

#[async_trait]
impl Maintenance for S3Backend {
    fn info(&self) -> StoreInfo {
        self.store.info.clone()
    }

    async fn stored_bytes(&self) -> Result<u64> {
        maintenance::stored_bytes(&self.store.bucket).await
    }

    async fn compact(&self) -> Result<()> {
        maintenance::compact(&self.store.bucket, &self.log).await
    }

    fn verify(&self) -> BoxStream<'static, Result<Finding>> {
        verify::verify(self.store.clone(), self.log.reader.clone())
    }
}
