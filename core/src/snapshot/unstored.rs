//! Snapshots that are made and not stored, to learn which chunks they would have.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::Result;
use crate::model::{Digest, Lsn, Point, TimelineId};
use crate::snapshot::Manifest;
use crate::storage::{Freed, Snapshots};

/// Reads from another store of snapshots, and only notes the chunks of what is written.
pub(crate) struct Unstored {
    snapshots: Arc<dyn Snapshots>,
    chunks: Mutex<HashSet<Digest>>,
}

impl Unstored {
    pub(crate) fn new(snapshots: Arc<dyn Snapshots>) -> Self {
        Self { snapshots, chunks: Mutex::default() }
    }

    /// The chunks of the manifests that were written.
    pub(crate) fn chunks(&self) -> HashSet<Digest> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Snapshots for Unstored {
    async fn put_chunk(&self, _: Digest, _: Vec<u8>) -> Result<()> {
        Ok(())
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.snapshots.get_chunk(digest).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.extend(manifest.chunks().map(|chunk| chunk.digest));
        Ok(())
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        self.snapshots.latest_manifest(timeline, at_most).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        self.snapshots.list().await
    }

    async fn remove_manifest(&self, _: Point) -> Result<()> {
        Ok(())
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, _: bool) -> Result<Freed> {
        self.snapshots.sweep_chunks(live, true).await
    }
}
