//! Removing rows in batches, and counting what that frees.

use std::collections::HashMap;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::Reclaimed;
use bson::oid::ObjectId;
use bson::{Bson, Document, RawDocument, doc};
use mongodb::options::ReadConcern;

use super::connection::READ_TIME;
use super::factory::Store;
use super::failure::Failure;
use super::log::commits;
use super::old_versions::name_of;
use super::record::{id, id_field, int_field, lsn_field, missing, optional};
use super::schema;

/// How many rows are removed at a time.
const BATCH: usize = 1_000;

/// How often a removal is asked for whose answer was lost: it is no harm to do again.
const ATTEMPTS: usize = 5;

const COMMIT: &str = "commit";

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Remove,
    /// What would be removed is counted.
    Count,
}

/// A row that goes.
pub(super) struct Removed {
    name: Bson,
    bytes: u64,
    /// The place and the owner of its parts, if it has any.
    parts: Option<(TimelineId, ObjectId)>,
}

impl Removed {
    /// A row of a place that was read with the size of its bytes.
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

/// Rows that are on their way out. The parts of a row go before it: cut off in between, the row is
/// found again, and the parts would not be.
pub(super) struct Removal {
    store: Arc<Store>,
    mode: Mode,
    versions: Vec<Removed>,
    pub(super) freed: Reclaimed,
}

impl Removal {
    pub(super) fn new(store: &Arc<Store>, mode: Mode) -> Self {
        Self { store: store.clone(), mode, versions: Vec::new(), freed: Reclaimed::default() }
    }

    /// Removes a version, together with others.
    pub(super) async fn version(&mut self, version: Removed) -> Result<()> {
        self.versions.push(version);
        if self.versions.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// Removes the versions that were gathered.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let versions = std::mem::take(&mut self.versions);
        self.freed.versions += versions.len() as u64;
        self.rows(schema::VERSIONS, versions).await
    }

    /// Removes the headers of a timeline up to a position, and gives what it has freed in all.
    pub(super) async fn commits_upto(
        mut self,
        timeline: TimelineId,
        upto: Lsn,
    ) -> Result<Reclaimed> {
        let mut next = Lsn::ZERO;
        loop {
            let headers = self.store.server.collection(schema::COMMITS);
            let query = headers
                .aggregate(headers_upto(timeline, next, upto))
                .batch_size(u32::try_from(BATCH + 1).unwrap_or(u32::MAX))
                .read_concern(ReadConcern::local())
                .max_time(READ_TIME)
                .with_type::<bson::RawDocumentBuf>();
            let mut rows =
                self.store.server.rows("look for commits that no state needs", query).await?;
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

    /// Removes rows of a collection, a batch at most.
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
            self.freed.bytes += self.store.bytes_of_parts(parts.clone()).await?;
            if self.mode == Mode::Remove {
                self.store.remove(schema::PARTS, parts).await?;
            }
        }
        if self.mode == Mode::Remove {
            let names: Vec<Bson> = rows.into_iter().map(|row| row.name).collect();
            self.store.remove(collection, doc! { "_id": { "$in": names } }).await?;
        }
        Ok(())
    }
}

/// The headers of a timeline from one position to another, a batch of them, lowest first.
pub(super) fn headers_upto(timeline: TimelineId, from: Lsn, upto: Lsn) -> Vec<Document> {
    vec![
        doc! { "$match": commits(timeline, from, upto) },
        doc! { "$sort": { "t": 1, "l": 1 } },
        doc! { "$limit": i64::try_from(BATCH).unwrap_or(i64::MAX) },
        doc! { "$project": { "l": 1, "o": 1, "piece": 1, "bytes": { "$binarySize": "$d" } } },
    ]
}

/// The parts of some owners in a place.
pub(super) fn parts_of(place: TimelineId, owners: &[ObjectId]) -> Document {
    doc! { "t": id(place), "o": { "$in": owners.to_vec() } }
}

impl Store {
    /// Removes rows. Cut off or repeated, some of them are gone.
    pub(super) async fn remove(&self, collection: &'static str, rows: Document) -> Result<()> {
        let collection = self.server.collection(collection);
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.server.count_retry();
            }
            let delete = collection.delete_many(rows.clone());
            match self.server.write_many("remove what no state needs", delete).await {
                Ok(_) => return Ok(()),
                Err(Failure::Definite(error)) => return Err(error),
                Err(failure) => last = Some(failure.into_error()),
            }
        }
        last.map_or(Ok(()), Err)
    }

    /// How many bytes some parts have together.
    pub(super) async fn bytes_of_parts(self: &Arc<Self>, parts: Document) -> Result<u64> {
        let sum = doc! { "$group": {
            "_id": Bson::Null,
            "bytes": { "$sum": { "$binarySize": "$d" } },
        } };
        let collection = self.server.collection(schema::PARTS);
        let query = collection
            .aggregate(vec![doc! { "$match": parts }, sum])
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME)
            .with_type::<bson::RawDocumentBuf>();
        let mut rows = self.server.rows("measure large values", query).await?;
        let Some(row) = rows.next().await? else { return Ok(0) };
        Ok(int_field(row, "sum", "bytes")?.unsigned_abs())
    }
}
