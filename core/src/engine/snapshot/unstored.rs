//! Snapshots that are made without storing them, to compute their chunks.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::Result;
use crate::model::{Digest, Lsn, Point, TimelineId};
use crate::storage::{Manifest, Reclaimed, Snapshots};

/// Reads from another store of snapshots, and discards writes.
pub(crate) struct Unstored(pub(crate) Arc<dyn Snapshots>);

#[async_trait]
impl Snapshots for Unstored {
    async fn put_chunk(&self, _: Digest, _: Vec<u8>) -> Result<()> {
        Ok(())
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.0.get_chunk(digest).await
    }

    async fn put_manifest(&self, _: &Manifest) -> Result<()> {
        Ok(())
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        self.0.latest_manifest(timeline, at_most).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        self.0.list().await
    }

    async fn remove_manifest(&self, _: Point) -> Result<()> {
        Ok(())
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, _: bool) -> Result<Reclaimed> {
        self.0.sweep_chunks(live, true).await
    }
}
