//! Snapshots: an object for each chunk and each manifest.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::Result;
use argon_core::model::{Digest, Lsn, Point, TimelineId};
use argon_core::snapshot::{CHUNK_BYTES, Manifest};
use argon_core::storage::Snapshots;
use async_trait::async_trait;

use crate::s3::bucket::Wanted;
use crate::s3::names;
use crate::s3::store::{S3Store, copy_key};

/// How many chunks are known to be there.
const MOST_KNOWN: usize = 256 * 1024;

/// [`Snapshots`] in a bucket.
pub(super) struct S3Snapshots {
    store: Arc<S3Store>,
    /// Chunks that this process wrote or read whole, which need not be written again.
    there: Mutex<HashSet<Digest>>,
}

impl S3Snapshots {
    pub(super) fn new(store: Arc<S3Store>) -> Self {
        Self { store, there: Mutex::default() }
    }

    fn there(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, digest: Digest) {
        let mut there = self.there();
        if there.len() >= MOST_KNOWN {
            there.clear();
        }
        there.insert(digest);
    }
}

#[async_trait]
impl Snapshots for S3Snapshots {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        if self.there().contains(&digest) {
            return Ok(());
        }
        let name = names::chunk(digest);
        // A copy means that it was there once; one byte shows whether it still is.
        let copied = self.store.cached(&name).await.is_some();
        if !(copied && self.store.bucket.get(&name, Wanted::Bytes(0..1)).await?.is_some()) {
            self.store.bucket.put_always(&name, &bytes).await?;
            self.store.keep(&name, &bytes).await;
        }
        self.note(digest);
        Ok(())
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        let name = names::chunk(digest);
        if let Some(bytes) = self.store.cached(&name).await {
            return Ok(Some(bytes));
        }
        let Some(object) = self.store.bucket.get(&name, Wanted::Whole(CHUNK_BYTES as u64)).await?
        else {
            self.there().remove(&digest);
            return Ok(None);
        };
        // A damaged chunk is neither kept nor taken to be there, so that it can be written again.
        if Digest::of(&object.bytes) == digest {
            self.store.keep(&name, &object.bytes).await;
            self.note(digest);
        } else {
            self.there().remove(&digest);
        }
        Ok(Some(object.bytes))
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        let (name, bytes) = (names::manifest(manifest.point), manifest.encode());
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
}
