//! Upkeep: size, compaction, and looking at every row.

use std::sync::Arc;

use argon_core::Result;
use argon_core::storage::{Finding, Maintenance, StoreInfo};
use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::ordered::Ordered;
use crate::ordered::verification::Verification;

/// [`Maintenance`] over the layout.
pub(super) struct OrderedMaintenance(pub(super) Arc<Ordered>);

#[async_trait]
impl Maintenance for OrderedMaintenance {
    fn info(&self) -> StoreInfo {
        self.0.info.clone()
    }

    async fn stored_bytes(&self) -> Result<u64> {
        self.0.run(|ordered| ordered.engine.disk_bytes()).await
    }

    async fn compact(&self) -> Result<()> {
        self.0.run(|ordered| ordered.engine.compact()).await
    }

    fn verify(&self) -> BoxStream<'static, Result<Finding>> {
        self.0
            .steps(Verification::default(), |ordered, verification| Ok(verification.step(ordered)))
    }
}
