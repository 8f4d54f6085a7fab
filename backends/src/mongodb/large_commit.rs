//! Commits that are too large for a transaction.
//!
//! Their versions are written first, in batches, under an extent: a random name that no reader knows.
//! The transaction that moves the timeline only inserts the headers and assigns the extent to the
//! timeline, so the commit appears at once. An extent without a timeline comes from an append that was
//! interrupted, and is removed when it is old.

use std::sync::Arc;
use std::time::Duration;

use argon_core::model::TimelineId;
use argon_core::{Environment, Result};
use bson::{Bson, DateTime, Document, RawDocumentBuf, doc, rawdoc};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::batches::{batches, insert_until_there};
use super::connection::{Connection, READ_TIME};
use super::failure::Failure;
use super::record::{id, id_field, optional, time_field};
use super::schema;

/// The batches in flight.
const BATCHES: usize = 2;

/// The age from which an extent without a timeline is abandoned; no append takes that long.
const OLD: Duration = Duration::from_hours(24);

/// Writes and removes the extents of large commits.
pub(super) struct LargeCommits {
    pub(super) server: Arc<Connection>,
    pub(super) environment: Environment,
}

impl LargeCommits {
    /// Writes the versions and parts of a commit under an extent.
    pub(super) async fn stage(
        &self,
        extent: TimelineId,
        versions: &[RawDocumentBuf],
        parts: &[RawDocumentBuf],
    ) -> Result<()> {
        let row = rawdoc! { "_id": id(extent), "made": self.environment.latest() };
        insert_until_there(&self.server, schema::PIECES, &[row]).await?;
        let mut writes = Vec::new();
        for (collection, rows) in [(schema::PARTS, parts), (schema::VERSIONS, versions)] {
            for batch in batches(rows) {
                writes.push(insert_until_there(&self.server, collection, batch));
            }
        }
        stream::iter(writes).buffer_unordered(BATCHES).try_collect().await
    }

    /// Removes the abandoned extents, and those whose removal was interrupted.
    pub(super) async fn remove_old(&self) -> Result<()> {
        let now = self.environment.earliest().timestamp_millis();
        let old = i64::try_from(OLD.as_millis()).unwrap_or(i64::MAX);
        let before = DateTime::from_millis(now.saturating_sub(old));
        let extents = self.server.collection(schema::PIECES);
        let query = extents.find(doc! { "t": Bson::Null }).max_time(READ_TIME);
        let mut rows = self.server.rows("list abandoned pieces", query).await?;
        let mut names = Vec::new();
        while let Some(row) = rows.next().await? {
            let is_dead = optional(row, "piece", "dead")?.is_some();
            if is_dead || time_field(row, "piece", "made")? < before {
                names.push(id_field(row, "piece", "_id")?);
            }
        }
        for name in names {
            self.remove(name).await?;
        }
        Ok(())
    }

    /// Removes an extent without a timeline. It is first marked dead, on the condition that it still has
    /// no timeline, so a late append fails. If the removal is interrupted, the next compaction resumes
    /// it.
    pub(super) async fn remove(&self, name: TimelineId) -> Result<()> {
        const WHAT: &str = "remove an abandoned piece";
        let extents = self.server.collection(schema::PIECES);
        let mark = extents.update_one(unassigned(name), doc! { "$set": { "dead": true } });
        let marked = self.server.write(WHAT, mark).await.map_err(Failure::into_error)?;
        let dead = doc! { "_id": id(name), "dead": true };
        if marked.matched_count == 0 {
            let find = extents.find_one(dead.clone()).max_time(READ_TIME);
            if self.server.read(WHAT, find).await?.is_none() {
                return Ok(());
            }
        }
        for collection in [schema::VERSIONS, schema::PARTS] {
            let collection = self.server.collection(collection);
            let delete = collection.delete_many(doc! { "t": id(name) });
            self.server.write_many(WHAT, delete).await.map_err(Failure::into_error)?;
        }
        self.server.write(WHAT, extents.delete_one(dead)).await.map_err(Failure::into_error)?;
        Ok(())
    }
}

/// Matches an extent that can still be assigned to a timeline.
pub(super) fn unassigned(name: TimelineId) -> Document {
    doc! { "_id": id(name), "t": { "$exists": false }, "dead": { "$exists": false } }
}
