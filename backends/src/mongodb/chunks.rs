//! Chunks of snapshots, and the removal of those that no manifest lists.
//!
//! A chunk records the time of its last put, by the server's clock. It is removed on the condition
//! that this time is more than an hour ago. Putting an existing chunk renews the time; putting a
//! removed one writes it again. So a snapshot that is written within an hour loses no chunk.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use argon_core::model::Digest;
use argon_core::storage::Reclaimed;
use argon_core::{Error, Result};
use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, RawDocument, doc};
use mongodb::options::ReadConcern;

use super::connection::{Connection, READ_TIME};
use super::failure::Failure;
use super::parts::NOWHERE;
use super::record::{binary, bytes_field, missing, optional};
use super::removal::{bytes_of_parts, parts_of, remove};
use super::retry::until_known;
use super::values::StoredValues;
use super::{record, schema};

/// The least time since its last put after which an unlisted chunk is removed.
const YOUNG: Duration = Duration::from_hours(1);

/// The chunks that one request removes.
const BATCH: usize = 1_000;

const CHUNK: &str = "chunk";

/// A chunk without its bytes.
struct Listed {
    digest: Vec<u8>,
    bytes: u64,
    owner: Option<ObjectId>,
}

impl Listed {
    fn of(row: &RawDocument) -> Result<Self> {
        let owner = optional(row, CHUNK, "o")?;
        let owner = owner.map(|owner| owner.as_object_id().ok_or_else(|| missing(CHUNK, "o")));
        let bytes = match optional(row, CHUNK, "bytes")? {
            Some(_) => record::int_field(row, CHUNK, "bytes")?,
            None => 0,
        };
        Ok(Self {
            digest: bytes_field(row, CHUNK, "_id")?.to_vec(),
            bytes: bytes.unsigned_abs(),
            owner: owner.transpose()?,
        })
    }

    fn is_in(&self, live: &HashSet<Digest>) -> bool {
        // Manifests list digests only.
        let digest: Option<[u8; 32]> = self.digest.as_slice().try_into().ok();
        digest.is_some_and(|digest| live.contains(&Digest::from_bytes(digest)))
    }
}

/// The chunks that were not put since, without their bytes. It reads the whole collection.
fn old_chunks(since: DateTime) -> Vec<Document> {
    vec![
        doc! { "$match": not_put_since(since) },
        doc! { "$project": { "o": 1, "bytes": { "$binarySize": "$d" } } },
    ]
}

/// Matches chunks without a time as well: old versions of Argon wrote none.
fn not_put_since(since: DateTime) -> Document {
    doc! { "at": { "$not": { "$gte": since } } }
}

/// The chunks of snapshots.
pub(super) struct Chunks {
    pub(super) server: Arc<Connection>,
    pub(super) values: StoredValues,
}

impl Chunks {
    pub(super) async fn put(&self, digest: Digest, bytes: &[u8]) -> Result<()> {
        // A damaged chunk is written again, and so is one that is removed between the two requests.
        let stored = self.get(digest).await;
        if stored.is_ok_and(|stored| stored.as_deref() == Some(bytes))
            && self.refresh(digest).await?
        {
            return Ok(());
        }
        let key = doc! { "_id": binary(digest.as_bytes()) };
        self.values.replace(schema::CHUNKS, key, "store a chunk", bytes).await
    }

    pub(super) async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        let server = &self.server;
        let chunks = server.collection(schema::CHUNKS);
        let find = chunks.find_one(doc! { "_id": binary(digest.as_bytes()) }).max_time(READ_TIME);
        let Some(row) = server.read("read a chunk", find).await? else { return Ok(None) };
        self.values.bytes(&row, CHUNK).await.map(Some)
    }

    /// Renews the time of a chunk; returns whether the chunk exists.
    async fn refresh(&self, digest: Digest) -> Result<bool> {
        let chunks = self.server.collection(schema::CHUNKS);
        let done = until_known(&self.server, || {
            let name = doc! { "_id": binary(digest.as_bytes()) };
            let update = chunks.update_one(name, doc! { "$currentDate": { "at": true } });
            self.server.write("renew the time of a chunk", update)
        });
        Ok(done.await?.matched_count == 1)
    }

    /// Removes, or counts, the chunks that are not `live` and were not put in the last hour.
    pub(super) async fn sweep(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        let young = i64::try_from(YOUNG.as_millis()).unwrap_or(i64::MAX);
        let since = self.server_time().await?.timestamp_millis().saturating_sub(young);
        let since = DateTime::from_millis(since);
        let chunks = self.server.collection(schema::CHUNKS);
        let query = chunks
            .aggregate(old_chunks(since))
            .batch_size(u32::try_from(BATCH).unwrap_or(u32::MAX))
            .read_concern(ReadConcern::local())
            .with_type::<bson::RawDocumentBuf>();
        let what = "list unused chunks";
        let mut rows = self.server.rows_of_many(what, query).await?;
        let (mut freed, mut dead) = (Reclaimed::default(), Vec::new());
        while let Some(row) = rows.next().await? {
            let chunk = Listed::of(row)?;
            if chunk.is_in(live) {
                continue;
            }
            freed.chunks += 1;
            freed.bytes += chunk.bytes;
            if let Some(owner) = chunk.owner {
                freed.bytes += bytes_of_parts(&self.server, parts_of(NOWHERE, &[owner])).await?;
            }
            dead.push(chunk);
            if dead.len() == BATCH {
                self.remove_old(std::mem::take(&mut dead), since, dry_run).await?;
            }
        }
        self.remove_old(dead, since, dry_run).await?;
        Ok(freed)
    }

    /// Removes chunks unless they were put meanwhile. A chunk is removed before its parts: without
    /// parts, renewing its time would not restore it.
    async fn remove_old(&self, dead: Vec<Listed>, since: DateTime, dry_run: bool) -> Result<()> {
        if dry_run {
            return Ok(());
        }
        let (large, small): (Vec<_>, Vec<_>) =
            dead.into_iter().partition(|chunk| chunk.owner.is_some());
        let names: Vec<Bson> =
            small.iter().map(|chunk| Bson::Binary(binary(&chunk.digest))).collect();
        if !names.is_empty() {
            let mut rows = not_put_since(since);
            rows.insert("_id", doc! { "$in": names });
            remove(&self.server, schema::CHUNKS, rows).await?;
        }
        let chunks = self.server.collection(schema::CHUNKS);
        for chunk in large {
            let mut row = not_put_since(since);
            row.insert("_id", binary(&chunk.digest));
            let removed =
                self.server.write("remove an unused chunk", chunks.find_one_and_delete(row));
            self.values.forget_parts(removed.await.map_err(Failure::into_error)?).await?;
        }
        Ok(())
    }

    /// The time of the server's clock.
    async fn server_time(&self) -> Result<DateTime> {
        let (hello, _) = self.server.hello().await?;
        hello.get_datetime("localTime").copied().map_err(|source| {
            Error::unsupported("the server does not report its time").with_source(source)
        })
    }
}
