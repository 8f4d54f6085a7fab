//! What appends that were cut off have left over.

use std::time::Duration;

use argon_core::Result;
use argon_core::model::TimelineId;
use bson::{Bson, DateTime, Document, doc};

use super::connection::READ_TIME;
use super::factory::Store;
use super::failure::Failure;
use super::record::{id, id_field, optional, time_field};
use super::schema;

/// How old an extent must be before it is taken for left over. Far more than any append takes.
const OLD: Duration = Duration::from_hours(24);

impl Store {
    /// Removes the extents that no commit names and that are old, or were found so before.
    pub(super) async fn remove_orphans(&self) -> Result<()> {
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
            self.remove_extent(name).await?;
        }
        Ok(())
    }

    /// Removes an extent that no commit names. It is given up first, and only while no commit names it:
    /// an append that comes late then fails. Cut off in between, the next compaction goes on.
    pub(super) async fn remove_extent(&self, name: TimelineId) -> Result<()> {
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
