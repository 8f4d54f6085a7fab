//! Chunks and manifests of snapshots.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Digest, Lsn, Point, TimelineId};
use argon_core::snapshot::Manifest;
use argon_core::storage::{Reclaimed, Snapshots};
use async_trait::async_trait;

use crate::ordered::engine::{Batch, Direction};
use crate::ordered::removal::{CHUNK, Removal};
use crate::ordered::rows::Rows;
use crate::ordered::{Ordered, keys, value};

#[async_trait]
impl Snapshots for Ordered {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.run_write(move |parts| parts.snapshots.put_chunk(&digest, &bytes)).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.run(move |parts| parts.snapshots.get_chunk(&digest)).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        let (point, bytes) = (manifest.point, manifest.encode());
        self.run_write(move |parts| parts.snapshots.put_manifest(point, &bytes)).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        self.run(move |parts| parts.snapshots.latest_manifest(timeline, at_most)).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        self.run(|parts| parts.snapshots.points()).await
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.run_write(move |parts| parts.snapshots.remove_manifest(point)).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        let live = live.clone();
        self.run_write(move |parts| parts.snapshots.sweep_chunks(&live, dry_run)).await
    }
}

/// The chunks and manifests of a store.
pub(super) struct SnapshotTable {
    rows: Arc<Rows>,
}

impl SnapshotTable {
    pub(super) fn new(rows: Arc<Rows>) -> Self {
        Self { rows }
    }

    fn get_chunk(&self, digest: &Digest) -> Result<Option<Vec<u8>>> {
        value::get(self.rows.engine(), &keys::chunk(digest))
    }

    fn put_chunk(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
        let key = keys::chunk(digest);
        // A damaged chunk is written again.
        if self.get_chunk(digest).is_ok_and(|stored| stored.as_deref() == Some(bytes)) {
            return Ok(());
        }
        let mut batch = Batch::new();
        value::put(&mut batch, key, &[bytes])?;
        self.rows.apply(batch)
    }

    fn put_manifest(&self, point: Point, bytes: &[u8]) -> Result<()> {
        let key = keys::manifest(point.timeline, point.lsn);
        let mut batch = Batch::new();
        value::replace(self.rows.engine(), &mut batch, key, &[bytes])?;
        self.rows.apply(batch)
    }

    fn latest_manifest(&self, timeline: TimelineId, at_most: Lsn) -> Result<Option<Manifest>> {
        let from = keys::manifest(timeline, Lsn::ZERO);
        let to = keys::manifest(timeline, Lsn::new(at_most.get().min(Lsn::MAX.get() - 1) + 1));
        let mut last = None;
        self.rows.engine().visit(&from, &to, Direction::Descending, &mut |key, value| {
            last = Some((key.to_vec(), value.to_vec()));
            ControlFlow::Break(())
        })?;
        let Some((key, stored)) = last else { return Ok(None) };
        Manifest::decode(&value::payload(self.rows.engine(), &key, &stored)?).map(Some)
    }

    fn points(&self) -> Result<Vec<Point>> {
        let mut points = Vec::new();
        let (from, to) = ([keys::MANIFEST], [keys::MANIFEST + 1]);
        self.rows.engine().visit(&from, &to, Direction::Ascending, &mut |key, _| {
            points.extend(keys::split_manifest(key).map(|(timeline, lsn)| Point { timeline, lsn }));
            ControlFlow::Continue(())
        })?;
        Ok(points)
    }

    fn remove_manifest(&self, point: Point) -> Result<()> {
        let mut batch = Batch::new();
        value::remove(self.rows.engine(), &mut batch, keys::manifest(point.timeline, point.lsn))?;
        self.rows.apply(batch)
    }

    /// Removes the chunks that are not in `live`, or only counts them.
    fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        let mut removal = Removal::new(&self.rows, dry_run);
        let chunks = (vec![keys::CHUNK], vec![keys::CHUNK + 1]);
        let dead = |key: &[u8], _: &[u8]| {
            let digest = key.get(1..).and_then(|digest| digest.try_into().ok());
            !digest.is_some_and(|digest| live.contains(&Digest::from_bytes(digest)))
        };
        removal.rows_where(&chunks, CHUNK, dead)?;
        removal.finish()
    }
}
