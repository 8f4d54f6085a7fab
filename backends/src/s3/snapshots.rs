//! Snapshots: an object for each chunk and each manifest.

use std::collections::HashSet;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Digest, Lsn, Point, TimelineId};
use argon_core::snapshot::{CHUNK_BYTES, Manifest};
use argon_core::storage::{Reclaimed, Snapshots};
use async_trait::async_trait;

use crate::s3::bucket::Wanted;
use crate::s3::chunks::Chunks;
use crate::s3::names;
use crate::s3::store::{S3Store, copy_key};

/// [`Snapshots`] in a bucket.
pub(super) struct S3Snapshots {
    pub(super) store: Arc<S3Store>,
    pub(super) chunks: Chunks,
}

impl S3Snapshots {
    pub(super) fn new(store: Arc<S3Store>) -> Self {
        let chunks = Chunks::new(&store.environment);
        Self { store, chunks }
    }
}

#[async_trait]
impl Snapshots for S3Snapshots {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.write_chunk(digest, &bytes.into()).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        let name = names::chunk(digest);
        if let Some(bytes) = self.store.cached(&name).await {
            return Ok(Some(bytes));
        }
        let Some(object) = self.store.bucket.get(&name, Wanted::Whole(CHUNK_BYTES as u64)).await?
        else {
            self.chunks.forget(digest);
            return Ok(None);
        };
        // A damaged chunk is neither kept nor taken to be there, so that it can be written again.
        if Digest::of(&object.bytes) == digest {
            self.store.keep(&name, &object.bytes).await;
        } else {
            self.chunks.forget(digest);
        }
        Ok(Some(object.bytes))
    }

    async fn missing_chunks(&self, wanted: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        self.not_listed(wanted).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        self.look_for_old(manifest).await?;
        let (name, bytes) = (names::manifest(manifest.point), manifest.encode().into());
        let etag = self.store.bucket.put_always(&name, &bytes).await?;
        self.store.keep(&copy_key(&name, &etag), &bytes).await;
        Ok(())
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        let folder = names::manifests_of(timeline);
        loop {
            let start = names::before(&folder, at_most);
            let page = self.store.bucket.list(&folder, Some(&start), 1).await?;
            let Some(listed) = page.objects.first() else { return Ok(None) };
            // It may have been removed since; then another is the latest.
            if let Some(bytes) =
                self.store.get_lasting(&listed.name, &listed.etag, listed.length).await?
            {
                return Manifest::decode(&bytes).map(Some);
            }
        }
    }

    async fn list(&self) -> Result<Vec<Point>> {
        let listed = self.store.bucket.list_all(names::MANIFESTS).await?;
        let points = listed.into_iter().filter_map(|listed| {
            let (timeline, rest) = names::split_timeline(names::MANIFESTS, &listed.name)?;
            Some(Point { timeline, lsn: names::parse_manifest(rest)? })
        });
        let mut points: Vec<Point> = points.collect();
        points.sort_unstable_by_key(|point| (point.timeline, point.lsn));
        Ok(points)
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.store.bucket.delete(&names::manifest(point)).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        self.sweep(live, dry_run).await
    }
}
