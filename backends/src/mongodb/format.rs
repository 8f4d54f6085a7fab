//! The format of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use argon_core::Result;
use bson::doc;

use super::connection::Connection;
use super::failure::Failure;
use super::schema::{CHECKSUM_FORMAT, INDEX_FORMAT, STORE, prepare_indexes};

/// Raises the format of an older store before it is written to.
pub(super) struct StoreFormat {
    server: Arc<Connection>,
    /// Whether the format of the store is one whose documents have checksums.
    has_checksums: AtomicBool,
    /// Whether it is one with entries of indexes.
    has_indexes: AtomicBool,
}

impl StoreFormat {
    pub(super) fn new(server: &Arc<Connection>, format: u32) -> Self {
        let has_checksums = AtomicBool::new(format >= CHECKSUM_FORMAT);
        let has_indexes = AtomicBool::new(format >= INDEX_FORMAT);
        Self { server: server.clone(), has_checksums, has_indexes }
    }

    /// Raises the format to that of checksums. Every write with a checksum calls it first: an older
    /// version of Argon, which would not update checksums, does not open the store from then on.
    pub(super) async fn raise(&self) -> Result<()> {
        if self.has_checksums.load(Ordering::Acquire) {
            return Ok(());
        }
        self.raise_to(CHECKSUM_FORMAT).await?;
        self.has_checksums.store(true, Ordering::Release);
        Ok(())
    }

    /// Raises the format to that of entries of indexes, and creates what it needs, before the first
    /// build is recorded: an older version of Argon, which would not change entries, does not open the
    /// store from then on.
    pub(super) async fn raise_for_indexes(&self) -> Result<()> {
        if self.has_indexes.load(Ordering::Acquire) {
            return Ok(());
        }
        prepare_indexes(&self.server).await?;
        self.raise_to(INDEX_FORMAT).await?;
        self.has_checksums.store(true, Ordering::Release);
        self.has_indexes.store(true, Ordering::Release);
        Ok(())
    }

    async fn raise_to(&self, format: u32) -> Result<()> {
        let raised = i32::try_from(format).unwrap_or(i32::MAX);
        let older = doc! { "_id": "store", "format": { "$lt": raised } };
        let store = self.server.collection(STORE);
        let update = store.update_one(older, doc! { "$set": { "format": raised } });
        // Harmless to repeat, so an unknown outcome counts as a failure.
        let what = "raise the format of the store";
        self.server.write(what, update).await.map_err(Failure::into_error)?;
        Ok(())
    }
}
