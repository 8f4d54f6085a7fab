//! An opened backend, and what it says about itself.

use std::sync::Arc;

use async_trait::async_trait;
use bson::DateTime;
use futures::stream::BoxStream;

use crate::Result;
use crate::storage::{DeferredWork, Materialize, Network, Refs, Snapshots, Wal};

/// What a backend can do beyond the contracts, which every backend owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// What was acknowledged is there after closing and opening again.
    pub durable: bool,
    /// Several processes may have the store open at once.
    pub shared: bool,
}

/// Facts about an opened store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// The scheme of its URL.
    pub engine: String,
    /// The version of its format.
    pub format: u32,
    /// Its identity: 32 hexadecimal digits.
    pub id: String,
    /// When it was made; `None` if the backend does not keep it.
    pub created: Option<DateTime>,
    /// Where it is, without credentials.
    pub location: String,
    /// What had to be mended when it was opened (a process that did not close it), for a person.
    pub recovered: Option<String>,
}

/// When snapshots are made by themselves, and how.
///
/// A backend that answers reads from an index needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// After this many commits above the last snapshot of a branch; `None` for never.
    pub after_commits: Option<u64>,
    /// After this many bytes of documents, counted by the process that writes; `None` for never.
    pub after_bytes: Option<u64>,
    /// The level of zstd for chunks: 1 (fast) to 22 (small).
    pub level: i32,
}

impl SnapshotPolicy {
    /// Snapshots are made when somebody asks for them.
    pub const BY_HAND: SnapshotPolicy =
        SnapshotPolicy { after_commits: None, after_bytes: None, level: 3 };
}

/// Something wrong in a store's files, found by [`Maintenance::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, what it affects and what to do, as a sentence.
    pub problem: String,
}

/// The upkeep of a store.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Facts about the store.
    fn info(&self) -> StoreInfo;

    /// The bytes that the store takes on disk, or in memory if it is there.
    async fn stored_bytes(&self) -> Result<u64>;

    /// Gives back dead space as far as the engine can.
    async fn compact(&self) -> Result<()>;

    /// Looks at every stored record and gives what does not belong or can't be read. What the log
    /// says of itself (digests, chain) is checked by core.
    fn verify(&self) -> BoxStream<'static, Result<Finding>>;
}

/// An opened backend: its traits, each behind a pointer, so that decorators can stand between.
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
    /// The upkeep.
    pub maintenance: Arc<dyn Maintenance>,
    /// The work that follows acknowledged writes; `None` if a write is complete when it is
    /// acknowledged.
    pub deferred: Option<Arc<dyn DeferredWork>>,
    /// The network that the store is on; `None` for a store on this machine.
    pub network: Option<Arc<dyn Network>>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// When it wants snapshots.
    pub snapshot_policy: SnapshotPolicy,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend")
            .field("info", &self.maintenance.info())
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}
