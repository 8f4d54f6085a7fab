use argon_core::{Store, gc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::HolderKind;
use crate::Result;
use crate::settings::Settings;

/// List the holders of bytes, and what a garbage collection would free.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ShowStorage {}

/// The bytes of a store by holder.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StorageUse {
    /// The holders, those with the most bytes first.
    pub holders: Vec<HolderBytes>,
    /// Bytes that only the retention time keeps.
    pub retention: u64,
    /// Bytes that several holders need.
    pub shared: u64,
    /// Bytes of the chunks of snapshots that a garbage collection would keep.
    pub chunks: u64,
    /// Bytes that a garbage collection would free.
    pub free: u64,
    /// All bytes of the store, as its engine counts them.
    pub stored: u64,
}

/// The bytes of one holder.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HolderBytes {
    /// Its name, after that of its project: `shop/main`.
    pub holder: String,
    /// Its kind.
    pub kind: HolderKind,
    /// The number of single states that it holds, and of timelines of which it holds every state of the retention
    /// time.
    pub states: u64,
    /// Bytes that no other holder needs.
    pub bytes: u64,
}

/// Lists the holders of bytes. Reads the keys of all documents once.
///
/// # Errors
/// `Unsupported` by a backend that can't collect garbage.
pub async fn storage(store: &Store, settings: &Settings, _: ShowStorage) -> Result<StorageUse> {
    let storage = gc::storage(store, settings.retention).await?;
    let holders = storage.holders.into_iter().map(|held| HolderBytes {
        holder: held.holder.name,
        kind: held.holder.kind.into(),
        states: held.states,
        bytes: held.exclusive,
    });
    Ok(StorageUse {
        holders: holders.collect(),
        retention: storage.window,
        shared: storage.shared,
        chunks: storage.chunks,
        free: storage.free + storage.free_chunks,
        stored: storage.stored,
    })
}
