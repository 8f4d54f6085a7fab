//! Upkeep of a whole store.
//!
//! | file | operation |
//! | --- | --- |
//! | `gc` | remove old data that nothing holds |
//! | `compact` | rewrite the files of a store without removed data |
//! | `storage`, `holder` | list the holders of bytes |
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
mod holder;
mod storage;

pub use self::clock::check_sweep;
pub use self::compact::{CompactStore, CompactedStore, RemovedData, compact, removed_data};
pub use self::doctor::{DiagnoseStore, DiagnosedStore, Surroundings, diagnose};
pub use self::flush::{FlushStore, FlushedStore, flush};
pub use self::fsck::{CheckStore, CheckedStore, Problem, fsck};
pub use self::gc::{
    CollectGarbage, CollectedGarbage, CollectedTimeline, HeldState, collect, preview_unusual,
};
pub use self::holder::{HolderKind, StateHolder};
pub use self::storage::{HolderBytes, ShowStorage, StorageUse, storage};
