//! Hides one snapshot, so that it can be compared with the log.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::Result;
use crate::model::{Digest, Lsn, Point, TimelineId};
use crate::storage::{Manifest, Reclaimed, Snapshots};

/// The snapshots of another store without those from one point of a timeline on. Read-only.
pub(crate) struct Without {
    snapshots: Arc<dyn Snapshots>,
    hidden: Point,
}

impl Without {
    pub(crate) fn new(snapshots: Arc<dyn Snapshots>, hidden: Point) -> Self {
        Self { snapshots, hidden }
    }
}

#[async_trait]
impl Snapshots for Without {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.snapshots.put_chunk(digest, bytes).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.snapshots.get_chunk(digest).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        self.snapshots.put_manifest(manifest).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        let at_most = if timeline == self.hidden.timeline {
            at_most.min(self.hidden.lsn.back(1).unwrap_or_default())
        } else {
            at_most
        };
        self.snapshots.latest_manifest(timeline, at_most).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        let mut points = self.snapshots.list().await?;
        points.retain(|point| *point != self.hidden);
        Ok(points)
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.snapshots.remove_manifest(point).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        self.snapshots.sweep_chunks(live, dry_run).await
    }
}
