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
use crate::ordered::{Ordered, keys, value};

/// [`Snapshots`] over the layout.
pub(super) struct OrderedSnapshots(pub(super) Arc<Ordered>);

#[async_trait]
impl Snapshots for OrderedSnapshots {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.0.run_write(move |ordered| ordered.put_chunk(&digest, &bytes)).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.0.run(move |ordered| value::get(&*ordered.engine, &keys::chunk(&digest))).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        let (point, bytes) = (manifest.point, manifest.encode());
        self.0.run_write(move |ordered| ordered.put_manifest(point, &bytes)).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        self.0.run(move |ordered| ordered.latest_manifest(timeline, at_most)).await
    }

    async fn list(&self) -> Result<Vec<Point>> {
        self.0.run(Ordered::snapshot_points).await
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.0.run_write(move |ordered| ordered.remove_manifest(point)).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        let live = live.clone();
        self.0.run_write(move |ordered| ordered.sweep_chunks(&live, dry_run)).await
    }
}

impl Ordered {
    fn put_chunk(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
        let key = keys::chunk(digest);
        // A chunk that is there but damaged is written again.
        if value::get(&*self.engine, &key).is_ok_and(|stored| stored.as_deref() == Some(bytes)) {
            return Ok(());
        }
        let mut batch = Batch::new();
        value::put(&mut batch, key, &[bytes])?;
        self.apply(batch)
    }

    fn put_manifest(&self, point: Point, bytes: &[u8]) -> Result<()> {
        let key = keys::manifest(point.timeline, point.lsn);
        let mut batch = Batch::new();
        value::replace(&*self.engine, &mut batch, key, &[bytes])?;
        self.apply(batch)
    }

    fn latest_manifest(&self, timeline: TimelineId, at_most: Lsn) -> Result<Option<Manifest>> {
        let from = keys::manifest(timeline, Lsn::ZERO);
        let to = keys::manifest(timeline, Lsn::new(at_most.get().min(Lsn::MAX.get() - 1) + 1));
        let mut last = None;
        self.engine.visit(&from, &to, Direction::Descending, &mut |key, value| {
            last = Some((key.to_vec(), value.to_vec()));
            ControlFlow::Break(())
        })?;
        let Some((key, stored)) = last else { return Ok(None) };
        Manifest::decode(&value::payload(&*self.engine, &key, &stored)?).map(Some)
    }

    fn snapshot_points(&self) -> Result<Vec<Point>> {
        let mut points = Vec::new();
        let (from, to) = ([keys::MANIFEST], [keys::MANIFEST + 1]);
        self.engine.visit(&from, &to, Direction::Ascending, &mut |key, _| {
            points.extend(keys::split_manifest(key).map(|(timeline, lsn)| Point { timeline, lsn }));
            ControlFlow::Continue(())
        })?;
        Ok(points)
    }

    fn remove_manifest(&self, point: Point) -> Result<()> {
        let mut batch = Batch::new();
        value::remove(&*self.engine, &mut batch, keys::manifest(point.timeline, point.lsn))?;
        self.apply(batch)
    }
}
