//! Removes rows in batches, and counts the space that this frees.

use std::collections::HashMap;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::Reclaimed;
use bson::oid::ObjectId;
use bson::{Bson, Document, RawDocument, doc};
use mongodb::options::ReadConcern;

use super::connection::{Connection, READ_TIME};
use super::log_walk::commits;
use super::old_versions::name_of;
use super::record::{id, id_field, int_field, lsn_field, missing, optional};
use super::retry::until_known;
use super::schema;

/// The rows that one request removes.
const BATCH: usize = 1_000;

const COMMIT: &str = "commit";

/// Whether rows are removed or only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Remove,
    /// Counts only.
    Count,
}

/// A row to be removed.
pub(super) struct Removed {
    name: Bson,
    bytes: u64,
    /// The place and the owner of its parts, if it has any.
    parts: Option<(TimelineId, ObjectId)>,
}

impl Removed {
    /// Reads a row of a place that was projected to `_id`, `o` and the size of `d`.
    pub(super) fn of(row: &RawDocument, place: TimelineId, what: &str) -> Result<Self> {
        let bytes = match optional(row, what, "bytes")? {
            Some(_) => int_field(row, what, "bytes")?,
            None => 0,
        };
        let owner = optional(row, what, "o")?;
        let owner = owner.map(|owner| owner.as_object_id().ok_or_else(|| missing(what, "o")));
        Ok(Self {
            name: name_of(row, what)?,
            bytes: u64::try_from(bytes).unwrap_or(0),
            parts: owner.transpose()?.map(|owner| (place, owner)),
        })
    }
}

/// Gathers rows and removes them. The parts of a row are removed before it: after an interruption, the
/// row is found again, but parts without it would not be.
pub(super) struct Removal {
    server: Arc<Connection>,
    mode: Mode,
    versions: Vec<Removed>,
    pub(super) freed: Reclaimed,
}

impl Removal {
    pub(super) fn new(server: &Arc<Connection>, mode: Mode) -> Self {
        Self { server: server.clone(), mode, versions: Vec::new(), freed: Reclaimed::default() }
    }

    /// Adds a version, and removes the gathered ones if they are a batch.
    pub(super) async fn version(&mut self, version: Removed) -> Result<()> {
        self.versions.push(version);
        if self.versions.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// Removes the gathered versions.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let versions = std::mem::take(&mut self.versions);
        self.freed.versions += versions.len() as u64;
        self.rows(schema::VERSIONS, versions).await
    }

    /// Removes the headers of a timeline up to a position; returns the total of this removal.
    pub(super) async fn commits_upto(
        mut self,
        timeline: TimelineId,
        upto: Lsn,
    ) -> Result<Reclaimed> {
        let mut next = Lsn::ZERO;
        loop {
            let headers = self.server.collection(schema::COMMITS);
            let query = headers
                .aggregate(headers_upto(timeline, next, upto))
                .batch_size(u32::try_from(BATCH + 1).unwrap_or(u32::MAX))
                .read_concern(ReadConcern::local())
                .max_time(READ_TIME)
                .with_type::<bson::RawDocumentBuf>();
            let mut rows = self.server.rows("list commits for pruning", query).await?;
            let mut found = Vec::new();
            while let Some(row) = rows.next().await? {
                let in_extent = optional(row, COMMIT, "piece")?.is_some();
                let place = if in_extent { id_field(row, COMMIT, "piece")? } else { timeline };
                next = lsn_field(row, COMMIT, "l")?.next();
                found.push(Removed::of(row, place, COMMIT)?);
            }
            let more = found.len() == BATCH;
            self.freed.commits += found.len() as u64;
            self.rows(schema::COMMITS, found).await?;
            if !more {
                return Ok(self.freed);
            }
        }
    }

    /// Removes at most one batch of rows of a collection.
    async fn rows(&mut self, collection: &'static str, rows: Vec<Removed>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.freed.bytes += rows.iter().map(|row| row.bytes).sum::<u64>();
        let mut owners: HashMap<TimelineId, Vec<ObjectId>> = HashMap::new();
        for (place, owner) in rows.iter().filter_map(|row| row.parts) {
            owners.entry(place).or_default().push(owner);
        }
        for (place, owners) in owners {
            let parts = parts_of(place, &owners);
            self.freed.bytes += bytes_of_parts(&self.server, parts.clone()).await?;
            if self.mode == Mode::Remove {
                remove(&self.server, schema::PARTS, parts).await?;
            }
        }
        if self.mode == Mode::Remove {
            let names: Vec<Bson> = rows.into_iter().map(|row| row.name).collect();
            remove(&self.server, collection, doc! { "_id": { "$in": names } }).await?;
        }
        Ok(())
    }
}

/// A batch of the headers of a timeline in a range, lowest first.
pub(super) fn headers_upto(timeline: TimelineId, from: Lsn, upto: Lsn) -> Vec<Document> {
    vec![
        doc! { "$match": commits(timeline, from, upto) },
        doc! { "$sort": { "t": 1, "l": 1 } },
        doc! { "$limit": i64::try_from(BATCH).unwrap_or(i64::MAX) },
        doc! { "$project": { "l": 1, "o": 1, "piece": 1, "bytes": { "$binarySize": "$d" } } },
    ]
}

/// Matches the parts of some owners in a place.
pub(super) fn parts_of(place: TimelineId, owners: &[ObjectId]) -> Document {
    doc! { "t": id(place), "o": { "$in": owners.to_vec() } }
}

/// Removes rows. After an error, some of them may be removed.
pub(super) async fn remove(
    server: &Connection,
    collection: &'static str,
    rows: Document,
) -> Result<()> {
    let collection = server.collection(collection);
    until_known(server, || {
        let delete = collection.delete_many(rows.clone());
        server.write_many("remove pruned rows", delete)
    })
    .await?;
    Ok(())
}

/// The total size of some parts.
pub(super) async fn bytes_of_parts(server: &Arc<Connection>, parts: Document) -> Result<u64> {
    let sum = doc! { "$group": {
        "_id": Bson::Null,
        "bytes": { "$sum": { "$binarySize": "$d" } },
    } };
    let collection = server.collection(schema::PARTS);
    let query = collection
        .aggregate(vec![doc! { "$match": parts }, sum])
        .read_concern(ReadConcern::local())
        .max_time(READ_TIME)
        .with_type::<bson::RawDocumentBuf>();
    let mut rows = server.rows("measure large values", query).await?;
    let Some(row) = rows.next().await? else { return Ok(0) };
    Ok(int_field(row, "sum", "bytes")?.unsigned_abs())
}
