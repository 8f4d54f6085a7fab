//! The refs of core: the refs of the queue's store, without the records of the legacy system.

use argon_core::Result;
use argon_core::storage::{
    CasResult, RefChange, RefName, RefVersion, Refs, Together, VersionedRef,
};
use async_trait::async_trait;

use crate::engine::LegacyEngine;
use crate::records::OURS;

#[async_trait]
impl Refs for LegacyEngine {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.queue.refs.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let mut listed = self.queue.refs.list(prefix).await?;
        listed.retain(|(name, _)| !name.starts_with(OURS));
        Ok(listed)
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        self.queue.refs.compare_and_set(name, expected, value).await
    }

    async fn change_together(&self, changes: Vec<RefChange>) -> Result<Together> {
        self.queue.refs.change_together(changes).await
    }
}
