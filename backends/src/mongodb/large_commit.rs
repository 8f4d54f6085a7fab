//! Commits that are too large for a transaction.
//!
//! Their versions are written first, in batches, under an extent: a random name that nothing reads.
//! The transaction that moves the timeline only adds the headers and gives the extent to the
//! timeline, so all of it appears at once. An extent that was never given is left over from an append
//! that was cut off, and is removed when it is old.

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

/// How many batches are on their way at a time.
const BATCHES: usize = 2;

/// How old an extent must be before it is taken for left over. Far more than any append takes.
const OLD: Duration = Duration::from_hours(24);

/// Writes and removes what large commits are made of.
pub(super) struct LargeCommits {
    pub(super) server: Arc<Connection>,
    pub(super) environment: Environment,
}

impl LargeCommits {
    /// Writes what a commit is made of where nothing reads it.
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

    /// Removes the extents that no commit names and that are old, or were found so before.
    pub(super) async fn remove_old(&self) -> Result<()> {
        let now = self.environment.earliest().timestamp_millis();
        let old = i64::try_from(OLD.as_millis()).unwrap_or(i64::MAX);
        let before = DateTime::from_millis(now.saturating_sub(old));
        let extents = self.server.collection(schema::PIECES);
        let query = extents.find(doc! { "t": Bson::Null }).max_time(READ_TIME);
        let mut rows = self.server.rows("look for what is left over", query).await?;
        let mut names = Vec::new();
        while let Some(row) = rows.next().await? {
            let given_up = optional(row, "piece", "dead")?.is_some();
            if given_up || time_field(row, "piece", "made")? < before {
                names.push(id_field(row, "piece", "_id")?);
            }
        }
        for name in names {
            self.remove(name).await?;
        }
        Ok(())
    }

    /// Removes an extent that no commit names. It is given up first, and only while no commit names it:
    /// an append that comes late then fails. Cut off in between, the next compaction goes on.
    pub(super) async fn remove(&self, name: TimelineId) -> Result<()> {
        const WHAT: &str = "remove what is left over";
        let extents = self.server.collection(schema::PIECES);
        let give_up = extents.update_one(not_given(name), doc! { "$set": { "dead": true } });
        let marked = self.server.write(WHAT, give_up).await.map_err(Failure::into_error)?;
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

/// An extent that may still be given to a timeline.
pub(super) fn not_given(name: TimelineId) -> Document {
    doc! { "_id": id(name), "t": { "$exists": false }, "dead": { "$exists": false } }
}
