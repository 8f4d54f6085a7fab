use argon_core::Store;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Wait until a store with a queue has done all work for acknowledged writes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct FlushStore {}

/// The end of the waiting.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FlushedStore {
    /// The number of jobs that were waiting or running.
    pub jobs: u64,
}

/// Works the queue in this process until it is empty; returns at once on a store without a queue.
pub async fn flush(store: &Store, _: FlushStore) -> Result<FlushedStore> {
    let jobs = store.backlog().await?.map_or(0, |backlog| backlog.waiting + backlog.running);
    store.flush().await?;
    Ok(FlushedStore { jobs })
}
