//! The format that a store says it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use argon_core::Result;
use bson::doc;

use super::connection::Connection;
use super::failure::Failure;
use super::schema::{CHECKSUM_FORMAT, STORE};

/// Raises the format of an older store before it is written to.
pub(super) struct StoreFormat {
    server: Arc<Connection>,
    /// Whether the store says that its documents have checksums.
    has_checksums: AtomicBool,
}

impl StoreFormat {
    pub(super) fn new(server: &Arc<Connection>, format: u32) -> Self {
        let has_checksums = AtomicBool::new(format >= CHECKSUM_FORMAT);
        Self { server: server.clone(), has_checksums }
    }

    /// What comes before every write that leaves a checksum. An older version of Argon, which would
    /// leave checksums as they were, does not open the store from then on.
    pub(super) async fn raise(&self) -> Result<()> {
        if self.has_checksums.load(Ordering::Acquire) {
            return Ok(());
        }
        let raised = i32::try_from(CHECKSUM_FORMAT).unwrap_or(i32::MAX);
        let older = doc! { "_id": "store", "format": { "$lt": raised } };
        let store = self.server.collection(STORE);
        let update = store.update_one(older, doc! { "$set": { "format": raised } });
        // Doing so again is no harm, so what is not known counts as not done.
        let what = "note the format of the store";
        self.server.write(what, update).await.map_err(Failure::into_error)?;
        self.has_checksums.store(true, Ordering::Release);
        Ok(())
    }
}
