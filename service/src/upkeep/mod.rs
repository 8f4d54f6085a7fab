//! Upkeep of a whole store.
//!
//! | file | operation |
//! | --- | --- |
//! | `gc` | remove old data that nothing holds |
//! | `compact` | rewrite the files of a store without removed data |
//! | `storage` | list the holders of bytes |
//! | `fsck` | check all stored data |
//! | `doctor` | check the requirements of a store that may not open |
//! | `flush` | wait for the work that a store still owes |
//! | `clock` | refuse to remove data if the clock may be wrong |

mod clock;
mod compact;
mod doctor;
mod flush;
mod fsck;
mod gc;
mod storage;

pub use self::clock::check_sweep;
pub use self::compact::{CompactStore, CompactedStore, RemovedData, compact, removed_data};
pub use self::doctor::{DiagnoseStore, DiagnosedStore, Surroundings, diagnose};
pub use self::flush::{FlushStore, FlushedStore, flush};
pub use self::fsck::{CheckStore, CheckedStore, Problem, fsck};
pub use self::gc::{
    CollectGarbage, CollectedGarbage, CollectedTimeline, HeldState, collect, preview_unusual,
};
pub use self::storage::{HolderBytes, ShowStorage, StorageUse, storage};

use argon_core::gc as core_gc;
use schemars::JsonSchema;
use serde::Serialize;

/// The kind of a holder of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A branch.
    Branch,
    /// A backup that is younger than the retention time.
    Backup,
    /// A pin.
    Pin,
    /// An open plan.
    Plan,
    /// A branch that merged the state, which is the base of its next merge.
    MergeBase,
    /// A state that this process has open.
    Reader,
    /// A young branch whose project was deleted.
    Orphan,
}

impl From<core_gc::HolderKind> for HolderKind {
    fn from(kind: core_gc::HolderKind) -> Self {
        match kind {
            core_gc::HolderKind::Branch => Self::Branch,
            core_gc::HolderKind::Backup => Self::Backup,
            core_gc::HolderKind::Pin => Self::Pin,
            core_gc::HolderKind::Plan => Self::Plan,
            core_gc::HolderKind::MergeBase => Self::MergeBase,
            core_gc::HolderKind::Open => Self::Reader,
            core_gc::HolderKind::Orphan => Self::Orphan,
        }
    }
}

/// A holder of states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StateHolder {
    /// Its kind.
    pub kind: HolderKind,
    /// Its name, after that of its project: `shop/main`.
    pub name: String,
}
