//! What appends that were cut off have left over.

use std::time::Duration;

use argon_core::Result;
use argon_core::model::TimelineId;
use bson::{DateTime, doc};

use super::factory::Store;
use super::failure::Failure;
use super::record::{id, id_field};
use super::schema;
use super::server::READ_TIME;

/// How old a piece must be before it is taken for left over. Far more than any append takes.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

impl Store {
    /// Removes the pieces that no commit names and that are old.
    pub(super) async fn remove_orphans(&self) -> Result<()> {
        let now = self.environment.now().timestamp_millis();
        let old = i64::try_from(OLD.as_millis()).unwrap_or(i64::MAX);
        let before = DateTime::from_millis(now.saturating_sub(old));
        let pieces = self.server.collection(schema::PIECES);
        let query = pieces
            .find(doc! { "t": bson::Bson::Null, "made": { "$lt": before } })
            .projection(doc! { "_id": 1 })
            .max_time(READ_TIME);
        let mut rows = self.server.rows("look for what is left over", query).await?;
        let mut names = Vec::new();
        while let Some(row) = rows.next().await? {
            names.push(id_field(row, "piece", "_id")?);
        }
        for name in names {
            self.remove_piece(name).await?;
        }
        Ok(())
    }

    /// Removes a piece that no commit names. Its record goes first, and only while no commit names
    /// it: an append that comes late then finds it gone, and fails. Cut off in between, its rows stay
    /// under a name that nothing reads, and `argon fsck` tells of them.
    pub(super) async fn remove_piece(&self, name: TimelineId) -> Result<()> {
        const WHAT: &str = "remove what is left over";
        let pieces = self.server.collection(schema::PIECES);
        let delete = pieces.delete_one(doc! { "_id": id(name), "t": { "$exists": false } });
        let removed = self.server.write(WHAT, delete).await.map_err(Failure::into_error)?;
        if removed.deleted_count == 0 {
            return Ok(());
        }
        for collection in [schema::VERSIONS, schema::PARTS] {
            let collection = self.server.collection(collection);
            let delete = collection.delete_many(doc! { "t": id(name) });
            self.server.write(WHAT, delete).await.map_err(Failure::into_error)?;
        }
        Ok(())
    }
}
