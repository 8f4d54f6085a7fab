use argon_core::{Store, gc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::Time;
use crate::{OpenStore, Result};

/// Rewrite the files of the store without removed data, and merge small pieces.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CompactStore {}

/// The size of a store before and after it was compacted.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct CompactedStore {
    /// The bytes of the store before.
    pub bytes_before: u64,
    /// The bytes of the store after.
    pub bytes_after: u64,
}

/// Removed data that the files of a store may still contain.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RemovedData {
    /// The time of the first removal.
    pub since: Time,
    /// The number of removed versions of documents.
    pub versions: u64,
    /// The number of removed commits.
    pub commits: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Returns the data that garbage collections removed and [`compact`] would destroy, so that a person can confirm
/// it; `None` if the store is on a network or nothing was removed.
pub async fn removed_data(opened: &OpenStore) -> Result<Option<RemovedData>> {
    if opened.place.is_remote() {
        return Ok(None);
    }
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let removed = gc::garbage(&opened.store).await?;
    Ok(removed.map(|gc::Garbage { since, versions, commits, bytes }| RemovedData {
        since: Time(since),
        versions: number(versions),
        commits: number(commits),
        bytes: number(bytes),
    }))
}

/// Rewrites the files of a store on this machine without removed data, beside the old files, which are then
/// deleted; on a network, merges small objects. No state changes. Reading and writing may continue meanwhile.
pub async fn compact(store: &Store, _: CompactStore) -> Result<CompactedStore> {
    let bytes_before = store.stored_bytes().await?;
    store.compact().await?;
    Ok(CompactedStore { bytes_before, bytes_after: store.stored_bytes().await? })
}
