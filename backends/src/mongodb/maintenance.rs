//! Maintenance of a store.

use std::sync::Arc;

use argon_core::Result;
use argon_core::storage::{Finding, Maintenance, StoreInfo};
use async_trait::async_trait;
use bson::doc;
use futures::stream::BoxStream;

use super::build_change::BuildChanges;
use super::connection::Connection;
use super::large_commit::LargeCommits;
use super::timeline::Timelines;

/// [`Maintenance`] over the database.
pub(super) struct MongoMaintenance {
    pub(super) server: Arc<Connection>,
    pub(super) info: StoreInfo,
    pub(super) timelines: Arc<Timelines>,
    pub(super) changes: Arc<BuildChanges>,
    pub(super) large: Arc<LargeCommits>,
}

#[async_trait]
impl Maintenance for MongoMaintenance {
    fn info(&self) -> StoreInfo {
        self.info.clone()
    }

    /// The size of the database on the server's disk, with indexes, as the server reports it.
    async fn stored_bytes(&self) -> Result<u64> {
        let server = &self.server;
        let stats = server.database().run_command(doc! { "dbStats": 1 });
        let stats = server.read("report the size of the database", stats).await?;
        let number = |name: &str| match stats.get(name) {
            Some(bson::Bson::Double(number)) => *number,
            Some(bson::Bson::Int32(number)) => f64::from(*number),
            #[expect(clippy::cast_precision_loss, reason = "a size needs only a few digits")]
            Some(bson::Bson::Int64(number)) => *number as f64,
            _ => 0.0,
        };
        let total = number("totalSize").max(number("storageSize") + number("indexSize"));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
        Ok(total as u64)
    }

    /// Removes the leftovers of interrupted appends and builds of indexes. The server reuses free space by itself.
    async fn compact(&self) -> Result<()> {
        self.large.remove_old().await?;
        self.changes.remove_abandoned().await
    }

    fn verify(&self) -> BoxStream<'static, Result<Finding>> {
        super::verification::verify(self.timelines.clone(), self.changes.builds.clone())
    }
}
