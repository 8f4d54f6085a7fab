//! Snapshots of a store that several processes use: a chunk that one of them has just stored is not swept.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon_core::Environment;
use argon_core::Result;
use argon_core::model::{Digest, Lsn, Point, TimelineId};
use argon_core::storage::{Manifest, Reclaimed, Snapshots};
use async_trait::async_trait;

/// How long a chunk stays without a manifest, as [`Snapshots::sweep_chunks`] says.
const KEPT: Duration = Duration::from_hours(1);

/// The snapshots of a store whose chunks all pass through this process.
pub(super) struct RecentChunks {
    inner: Arc<dyn Snapshots>,
    environment: Environment,
    /// When each was stored, since the process began.
    stored: Mutex<HashMap<Digest, Duration>>,
}

impl RecentChunks {
    pub(super) fn new(inner: Arc<dyn Snapshots>, environment: Environment) -> Self {
        Self { inner, environment, stored: Mutex::default() }
    }

    /// The chunks that were stored in the last hour.
    fn recent(&self) -> HashSet<Digest> {
        let now = self.environment.elapsed();
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        stored.retain(|_, at| now.saturating_sub(*at) <= KEPT);
        stored.keys().copied().collect()
    }
}

#[async_trait]
impl Snapshots for RecentChunks {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        let now = self.environment.elapsed();
        // Before it is stored, so that no sweep in between removes it.
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, now);
        self.inner.put_chunk(digest, bytes).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.inner.get_chunk(digest).await
    }

    async fn missing_chunks(&self, wanted: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        self.inner.missing_chunks(wanted).await
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
        self.inner.remove_manifest(point).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        let mut kept = self.recent();
        kept.extend(live);
        self.inner.sweep_chunks(&kept, dry_run).await
    }
}
