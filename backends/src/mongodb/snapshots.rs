//! Chunks and manifests of snapshots.

use std::collections::HashSet;
use std::sync::Arc;

use argon_core::model::{Digest, Lsn, Point, TimelineId};
use argon_core::snapshot::Manifest;
use argon_core::storage::{Reclaimed, Snapshots};
use argon_core::{Error, Result};
use async_trait::async_trait;
use bson::{Bson, Document, RawDocument, RawDocumentBuf, doc};

use super::connection::READ_TIME;
use super::factory::Store;
use super::failure::Failure;
use super::parts::{self, NOWHERE, StoredBytes};
use super::record::{binary, id, id_field, lsn, lsn_field};
use super::schema;

pub(super) const CHUNK: &str = "chunk";
const MANIFEST: &str = "manifest";

/// How often a write that is no harm to do again is tried.
const ATTEMPTS: usize = 3;

/// [`Snapshots`] over the collections.
pub(super) struct MongoSnapshots(pub(super) Arc<Store>);

#[async_trait]
impl Snapshots for MongoSnapshots {
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        // A chunk that is there but damaged is written again, and so is one that is removed meanwhile.
        let stored = self.get_chunk(digest).await;
        if stored.is_ok_and(|stored| stored.as_deref() == Some(&bytes[..]))
            && self.refresh(digest).await?
        {
            return Ok(());
        }
        let key = doc! { "_id": binary(digest.as_bytes()) };
        self.replace(schema::CHUNKS, key, "store a chunk", &bytes).await
    }

    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        let server = &self.0.server;
        let chunks = server.collection(schema::CHUNKS);
        let find = chunks.find_one(doc! { "_id": binary(digest.as_bytes()) }).max_time(READ_TIME);
        let Some(row) = server.read("read a chunk", find).await? else { return Ok(None) };
        self.bytes(&row, CHUNK).await.map(Some)
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<()> {
        let key = doc! { "t": id(manifest.point.timeline), "l": lsn(manifest.point.lsn) };
        self.replace(schema::MANIFESTS, key, "store a manifest", &manifest.encode()).await
    }

    async fn latest_manifest(
        &self,
        timeline: TimelineId,
        at_most: Lsn,
    ) -> Result<Option<Manifest>> {
        let server = &self.0.server;
        let manifests = server.collection(schema::MANIFESTS);
        let find = manifests
            .find_one(up_to(timeline, at_most))
            .sort(doc! { "t": -1, "l": -1 })
            .max_time(READ_TIME);
        let Some(row) = server.read("read a manifest", find).await? else { return Ok(None) };
        let manifest = Manifest::decode(&self.bytes(&row, MANIFEST).await?)?;
        let at = Point { timeline, lsn: lsn_field(&row, MANIFEST, "l")? };
        if manifest.point == at { Ok(Some(manifest)) } else { Err(misplaced(at)) }
    }

    async fn list(&self) -> Result<Vec<Point>> {
        let server = &self.0.server;
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
        let server = &self.0.server;
        let manifests = server.collection(schema::MANIFESTS);
        let key = doc! { "t": id(point.timeline), "l": lsn(point.lsn) };
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match server.write(WHAT, manifests.find_one_and_delete(key.clone())).await {
                Ok(removed) => return self.forget_parts(removed).await,
                Err(Failure::Definite(error)) => return Err(error),
                Err(failure) => last = Some(failure.into_error()),
            }
        }
        last.map_or(Ok(()), Err)
    }

    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        self.sweep(live, dry_run).await
    }
}

impl MongoSnapshots {
    async fn bytes(&self, row: &RawDocument, what: &str) -> Result<Vec<u8>> {
        self.0.server.count_received(row.as_bytes().len());
        let stored = parts::of(row, what)?.ok_or_else(|| super::record::missing(what, "d"))?;
        self.0.server.load(NOWHERE, stored, what).await
    }

    /// Puts bytes under a key, over what is there. Doing so again is no harm, so it is tried again
    /// when an answer was lost.
    async fn replace(
        &self,
        collection: &'static str,
        key: Document,
        what: &'static str,
        bytes: &[u8],
    ) -> Result<()> {
        let server = &self.0.server;
        let malformed = |source| Error::internal("bytes can't be stored").with_source(source);
        let (mut row, mut pieces) = (RawDocumentBuf::new(), Vec::new());
        parts::put(&mut row, &mut pieces, NOWHERE, bytes, &self.0.environment);
        let change = replacement(&Document::try_from(&*row).map_err(malformed)?);
        if !pieces.is_empty() {
            self.0.insert_until_there(schema::PARTS, &pieces).await?;
        }
        let collection = server.collection(collection);
        let mut last = None;
        for _ in 0..ATTEMPTS {
            server.count_sent(row.as_bytes().len());
            let replace = collection.find_one_and_update(key.clone(), change.clone()).upsert(true);
            match server.write(what, replace).await {
                Ok(replaced) => return self.forget_parts(replaced).await,
                Err(Failure::Definite(error)) => return Err(error),
                Err(failure) => last = Some(failure.into_error()),
            }
        }
        last.map_or(Ok(()), Err)
    }

    /// Removes the parts of a document that is no more.
    pub(super) async fn forget_parts(&self, replaced: Option<RawDocumentBuf>) -> Result<()> {
        let Some(row) = replaced else { return Ok(()) };
        if let Ok(Some(StoredBytes::Parts { owner, .. })) = parts::of(&row, "value") {
            let server = &self.0.server;
            let parts = server.collection(schema::PARTS);
            let delete = parts.delete_many(doc! { "t": id(NOWHERE), "o": owner });
            // What stays is removed by the next compaction.
            drop(server.write("remove parts", delete).await);
        }
        Ok(())
    }
}

/// What puts these bytes, or the name of their parts, in the place of what a document has, and notes
/// when.
fn replacement(bytes: &Document) -> Document {
    let others = ["d", "o", "n"].into_iter().filter(|name| !bytes.contains_key(name));
    let others: Document = others.map(|name| (name.to_owned(), Bson::from(""))).collect();
    doc! { "$set": bytes.clone(), "$unset": others, "$currentDate": { "at": true } }
}

fn misplaced(at: Point) -> Error {
    Error::corrupt(format!(
        "the manifest of the snapshot at LSN {} is that of another state",
        at.lsn
    ))
}

/// The manifests of a timeline up to a position.
pub(super) fn up_to(timeline: TimelineId, at_most: Lsn) -> Document {
    doc! { "t": id(timeline), "l": { "$lte": lsn(at_most) } }
}
