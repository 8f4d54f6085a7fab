//! The manifests of snapshots: an object each.

use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Lsn, Point, TimelineId};
use argon_core::snapshot::Manifest;

use crate::s3::names;
use crate::s3::store::{S3Store, copy_key};

/// The manifests of a store.
pub(super) struct ManifestStore {
    store: Arc<S3Store>,
}

impl ManifestStore {
    pub(super) fn new(store: Arc<S3Store>) -> Self {
        Self { store }
    }

    pub(super) async fn put(&self, manifest: &Manifest) -> Result<()> {
        let (name, bytes) = (names::manifest(manifest.point), manifest.encode().into());
        let etag = self.store.bucket.put_always(&name, &bytes).await?;
        self.store.keep(&copy_key(&name, &etag), &bytes).await;
        Ok(())
    }

    /// The manifest of a timeline with the highest position up to `at_most`.
    pub(super) async fn latest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        let folder = names::manifests_of(timeline);
        loop {
            let start = names::before(&folder, at_most);
            let page = self.store.bucket.list(&folder, Some(&start), 1).await?;
            let Some(listed) = page.objects.first() else { return Ok(None) };
            // It may be removed already; then another is the latest.
            if let Some(bytes) =
                self.store.get_lasting(&listed.name, &listed.etag, listed.length).await?
            {
                return Manifest::decode(&bytes).map(Some);
            }
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<Point>> {
        let listed = self.store.bucket.list_all(names::MANIFESTS).await?;
        let points = listed.into_iter().filter_map(|listed| {
            let (timeline, rest) = names::split_timeline(names::MANIFESTS, &listed.name)?;
            Some(Point { timeline, lsn: names::parse_manifest(rest)? })
        });
        let mut points: Vec<Point> = points.collect();
        points.sort_unstable_by_key(|point| (point.timeline, point.lsn));
        Ok(points)
    }

    pub(super) async fn remove(&self, point: Point) -> Result<()> {
        self.store.bucket.delete(&names::manifest(point)).await
    }
}
