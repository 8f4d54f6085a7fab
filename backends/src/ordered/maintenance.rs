//! Upkeep: size, compaction, and a look at every row.

use argon_core::Result;
use argon_core::storage::{Finding, Maintenance, StoreInfo};
use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::ordered::Ordered;
use crate::ordered::verification::Verification;

#[async_trait]
impl Maintenance for Ordered {
    fn info(&self) -> StoreInfo {
        self.0.info.clone()
    }

    async fn stored_bytes(&self) -> Result<u64> {
        self.run(|parts| parts.rows.engine().disk_bytes()).await
    }

    async fn compact(&self) -> Result<()> {
        self.run(|parts| parts.rows.engine().compact()).await
    }

    fn verify(&self) -> BoxStream<'static, Result<Finding>> {
        self.steps(Verification::default(), |parts, verification| Ok(verification.step(&parts.log)))
    }
}
