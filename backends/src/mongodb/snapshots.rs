//! Chunks and manifests of snapshots.

use std::collections::HashSet;
use std::sync::Arc;

use argon_core::model::{Digest, Lsn, Point, TimelineId};
use argon_core::snapshot::Manifest;
use argon_core::storage::{Reclaimed, Snapshots};
use argon_core::{Error, Result};
use async_trait::async_trait;
use bson::{Document, doc};

use super::chunks::Chunks;
use super::connection::{Connection, READ_TIME};
use super::record::{id, id_field, lsn, lsn_field};
use super::retry::until_known;
use super::schema;
use super::values::StoredValues;

const MANIFEST: &str = "manifest";

/// [`Snapshots`] over the collections of a store.
pub(super) struct MongoSnapshots {
    pub(super) server: Arc<Connection>,
    pub(super) values: StoredValues,
    pub(super) chunks: Chunks,
}

#[async_trait]
impl Snapshots for MongoSnapshots {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.chunks.put(digest, &bytes).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.chunks.get(digest).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        let key = doc! { "t": id(manifest.point.timeline), "l": lsn(manifest.point.lsn) };
        self.values.replace(schema::MANIFESTS, key, "store a manifest", &manifest.encode()).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        let server = &self.server;
        let manifests = server.collection(schema::MANIFESTS);
        let find = manifests
            .find_one(up_to(timeline, at_most))
            .sort(doc! { "t": -1, "l": -1 })
            .max_time(READ_TIME);
        let Some(row) = server.read("read a manifest", find).await? else { return Ok(None) };
        let manifest = Manifest::decode(&self.values.bytes(&row, MANIFEST).await?)?;
        let at = Point { timeline, lsn: lsn_field(&row, MANIFEST, "l")? };
        if manifest.point == at { Ok(Some(manifest)) } else { Err(misplaced(at)) }
    }

    async fn list(&self) -> Result<Vec<Point>> {
        let server = &self.server;
        let manifests = server.collection(schema::MANIFESTS);
        let query = manifests
            .find(doc! {})
            .sort(doc! { "t": 1, "l": 1 })
            .projection(doc! { "t": 1, "l": 1 })
            .max_time(READ_TIME);
        let mut rows = server.rows("list the snapshots", query).await?;
        let mut points = Vec::new();
        while let Some(row) = rows.next().await? {
            let timeline = id_field(row, MANIFEST, "t")?;
            points.push(Point { timeline, lsn: lsn_field(row, MANIFEST, "l")? });
        }
        Ok(points)
    }

    async fn remove_manifest(&self, point: Point) -> Result<()> {
        const WHAT: &str = "remove a manifest";
        let server = &self.server;
        let manifests = server.collection(schema::MANIFESTS);
        let key = doc! { "t": id(point.timeline), "l": lsn(point.lsn) };
        let delete = || server.write(WHAT, manifests.find_one_and_delete(key.clone()));
        self.values.forget_parts(until_known(server, delete).await?).await
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        self.chunks.sweep(live, dry_run).await
    }
}

fn misplaced(at: Point) -> Error {
    Error::corrupt(format!(
        "the manifest of the snapshot at LSN {} belongs to another state",
        at.lsn
    ))
}

/// Matches the manifests of a timeline up to a position.
pub(super) fn up_to(timeline: TimelineId, at_most: Lsn) -> Document {
    doc! { "t": id(timeline), "l": { "$lte": lsn(at_most) } }
}
