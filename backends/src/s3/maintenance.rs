//! Upkeep: size, compaction, and looking at every object.

use std::sync::Arc;

use argon_core::Result;
use argon_core::storage::{Finding, Maintenance, StoreInfo};
use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::s3::bucket::PAGE;
use crate::s3::log::{Log, When};
use crate::s3::store::S3Store;
use crate::s3::verify;

/// An upload is taken to be cut off after a day.
const OLD_UPLOAD_SECONDS: i64 = 24 * 60 * 60;

/// [`Maintenance`] of a bucket.
pub(super) struct S3Maintenance {
    pub(super) store: Arc<S3Store>,
    pub(super) log: Arc<Log>,
}

#[async_trait]
impl Maintenance for S3Maintenance {
    fn info(&self) -> StoreInfo {
        self.store.info.clone()
    }

    async fn stored_bytes(&self) -> Result<u64> {
        let mut bytes = 0;
        let mut after: Option<String> = None;
        loop {
            let page = self.store.bucket.list("", after.as_deref(), PAGE).await?;
            bytes += page.objects.iter().map(|object| object.length).sum::<u64>();
            match page.objects.last() {
                Some(last) if page.more => after = Some(last.name.clone()),
                _ => return Ok(bytes),
            }
        }
    }

    async fn compact(&self) -> Result<()> {
        for timeline in self.log.timelines().await? {
            self.log.compact(timeline, When::Asked).await?;
        }
        self.abort_old_uploads().await;
        Ok(())
    }

    fn verify(&self) -> BoxStream<'static, Result<Finding>> {
        verify::verify(self.store.clone(), self.log.clone())
    }
}

impl S3Maintenance {
    /// Gives up the parts of uploads that somebody began and never ended. Not all servers can list
    /// them, nor may everybody.
    async fn abort_old_uploads(&self) {
        let bucket = &self.store.bucket;
        let Some(now) = bucket.meter.server_time() else { return };
        if let Err(error) = bucket.abort_uploads_before(now - OLD_UPLOAD_SECONDS).await {
            tracing::warn!(%error, "uploads that were cut off could not be looked for");
        }
    }
}
