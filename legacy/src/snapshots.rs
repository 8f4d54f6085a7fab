//! Snapshots as objects: `snapshots/chunks/<digest>`, `snapshots/manifests/<timeline>/<LSN>`.

use std::collections::HashSet;
use std::time::Duration;

use argon_core::Result;
use argon_core::model::{Digest, Lsn, Point, TimelineId};
use argon_core::snapshot::Manifest;
use argon_core::storage::{Objects, Reclaimed, Snapshots};
use async_trait::async_trait;

use crate::engine::LegacyEngine;
use crate::time::ago;

const CHUNKS: &str = "snapshots/chunks/";
const MANIFESTS: &str = "snapshots/manifests/";

/// The time for which a chunk without a manifest stays, because another process may be writing the
/// manifest. It exceeds the hour of the contract, because another machine's clock dates objects.
const YOUNG: Duration = Duration::from_hours(6);

fn chunk(digest: Digest) -> String {
    format!("{CHUNKS}{digest}")
}

fn digest(name: &str) -> Option<Digest> {
    name.strip_prefix(CHUNKS)?.parse().ok()
}

fn manifest(point: Point) -> String {
    format!("{MANIFESTS}{}/{:020}", point.timeline, point.lsn.get())
}

fn point(name: &str) -> Option<Point> {
    let (timeline, lsn) = name.strip_prefix(MANIFESTS)?.split_once('/')?;
    Some(Point { timeline: timeline.parse().ok()?, lsn: Lsn::new(lsn.parse().ok()?) })
}

/// Removes the snapshots of a dropped timeline.
pub(crate) async fn remove_of(objects: &dyn Objects, timeline: TimelineId) -> Result<()> {
    for object in objects.list(&format!("{MANIFESTS}{timeline}/")).await? {
        objects.delete(&object.name).await?;
    }
    Ok(())
}

#[async_trait]
impl Snapshots for LegacyEngine {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.objects.put(&chunk(digest), bytes).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.objects.get(&chunk(digest)).await
    }

    async fn missing_chunks(&self, wanted: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        let mut missing = wanted.clone();
        for object in self.objects.list(CHUNKS).await? {
            if let Some(digest) = digest(&object.name) {
                missing.remove(&digest);
            }
        }
        Ok(missing)
    }

    async fn put_manifest(&self, snapshot: &Manifest) -> Result<()> {
        self.objects.put(&manifest(snapshot.point), snapshot.encode()).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        let listed = self.objects.list(&format!("{MANIFESTS}{timeline}/")).await?;
        let points = listed.iter().filter_map(|object| point(&object.name));
        let mut points: Vec<Point> = points.filter(|point| point.lsn <= at_most).collect();
        // Another process may remove a snapshot meanwhile; then the one before is the latest.
        while let Some(latest) = points.pop() {
            if let Some(bytes) = self.objects.get(&manifest(latest)).await? {
                return Manifest::decode(&bytes).map(Some);
            }
        }
        Ok(None)
    }

    async fn list(&self) -> Result<Vec<Point>> {
        let listed = self.objects.list(MANIFESTS).await?;
        let mut points: Vec<Point> =
            listed.iter().filter_map(|object| point(&object.name)).collect();
        points.sort_unstable();
        Ok(points)
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        self.objects.delete(&manifest(point)).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        let mut freed = Reclaimed::default();
        let old = ago(self.environment.earliest(), YOUNG);
        for object in self.objects.list(CHUNKS).await? {
            let Some(digest) = digest(&object.name) else { continue };
            if live.contains(&digest) || (self.shared && object.modified > old) {
                continue;
            }
            if !dry_run {
                self.objects.delete(&object.name).await?;
            }
            freed.chunks += 1;
            freed.bytes += object.bytes;
        }
        Ok(freed)
    }
}
