//! An opened backend, its properties, and its upkeep.

use std::sync::Arc;

use async_trait::async_trait;
use bson::DateTime;
use futures::stream::BoxStream;

use crate::Result;
use crate::model::Point;
use crate::storage::{DeferredWork, Indexes, Materialize, Network, Refs, Sharing, Snapshots, Wal};

/// Properties of a backend beyond the contracts, which every backend fulfils.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Acknowledged writes survive closing and opening.
    pub durable: bool,
    /// Several processes may have the store open at the same time.
    pub shared: bool,
}

/// The description of an opened store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// The scheme of its URL.
    pub engine: String,
    /// The version of its format.
    pub format: u32,
    /// Its identity: 32 hexadecimal digits.
    pub id: String,
    /// Its creation time; `None` if the backend does not keep it.
    pub created: Option<DateTime>,
    /// Its location, without credentials.
    pub location: String,
    /// The repair that opening it made after a process that did not close it, for people.
    pub recovered: Option<String>,
}

/// The schedule of automatic snapshots, and their compression.
///
/// A backend that answers reads from an index needs no snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// The number of commits above the last snapshot of a branch; `None` for never.
    pub after_commits: Option<u64>,
    /// The bytes of documents, counted by the process that writes; `None` for never.
    pub after_bytes: Option<u64>,
    /// The level of zstd for chunks: 1 (fast) to 22 (small).
    pub level: i32,
}

impl SnapshotPolicy {
    /// Snapshots are made on request only.
    pub const BY_HAND: SnapshotPolicy =
        SnapshotPolicy { after_commits: None, after_bytes: None, level: 3 };
}

/// A problem in a store's files, found by [`Maintenance::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The problem, its effect and its repair, as a sentence.
    pub problem: String,
}

/// The upkeep of a store.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Describes the store.
    fn info(&self) -> StoreInfo;

    /// Returns the size of the store in bytes, on disk or in memory.
    async fn stored_bytes(&self) -> Result<u64>;

    /// Returns unused space to the system as far as the engine can.
    async fn compact(&self) -> Result<()>;

    /// Returns the states that other processes have open, as far as that is known; a collection retains
    /// them.
    async fn open_elsewhere(&self) -> Result<Vec<Point>> {
        Ok(Vec::new())
    }

    /// Reads every stored record, and reports malformed records and those that belong to nothing.
    /// Core checks the digests and the chain of the log.
    fn verify(&self) -> BoxStream<'static, Result<Finding>>;
}

/// An opened backend: its traits, each behind a pointer, so that a decorator can replace it.
#[derive(Clone)]
pub struct Backend {
    /// The log.
    pub wal: Arc<dyn Wal>,
    /// The refs.
    pub refs: Arc<dyn Refs>,
    /// The snapshots.
    pub snapshots: Arc<dyn Snapshots>,
    /// Reads by the backend's own index; `None` if it has none.
    pub materialize: Option<Arc<dyn Materialize>>,
    /// The entries of indexes; `None` if the backend keeps none, and queries scan.
    pub indexes: Option<Arc<dyn Indexes>>,
    /// The upkeep.
    pub maintenance: Arc<dyn Maintenance>,
    /// The work that follows acknowledged writes; `None` if a write is complete when it is
    /// acknowledged.
    pub deferred: Option<Arc<dyn DeferredWork>>,
    /// The network that the store is on; `None` for a store on this machine.
    pub network: Option<Arc<dyn Network>>,
    /// Its properties.
    pub capabilities: Capabilities,
    /// Its schedule of snapshots.
    pub snapshot_policy: SnapshotPolicy,
    /// Set if other processes use the store, all of them through this one.
    pub sharing: Option<Arc<Sharing>>,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend")
            .field("info", &self.maintenance.info())
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}
