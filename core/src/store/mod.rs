//! Stores, projects, branches and states: the API for programs that embed Argon. Also the records
//! of refs, and the module through which every movement of a branch passes.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `api` | the handles: [`Store`], [`Project`], [`Branch`], [`State`], [`Collection`] |
//! | `records` | what refs hold, and the names under which it is kept |
//! | `guard`, `rename`, `read_only`, `lease` | how branches are read and moved, renamed, closed to commits, ended |
//! | `pins`, `signature` | names for states that are kept for good, and who vouches for them |
//! | [`mask`] | branches whose reads never give the originals |
//! | `kept`, `garbage` | which states are kept, and what was given up |
//! | `plans` | plans as they are written, whatever they say |
//! | `log`, [`snapshot`] | the log of a state, and its snapshots |

mod api;
pub(crate) mod garbage;
pub(crate) mod guard;
pub(crate) mod kept;
pub(crate) mod lease;
pub(crate) mod log;
pub mod mask;
pub mod pins;
pub(crate) mod plans;
pub(crate) mod read_only;
pub(crate) mod records;
pub(crate) mod rename;
pub(crate) mod signature;
pub mod snapshot;

pub use api::{
    Branch, BranchInfo, Collection, CollectionView, DeletedProject, DocumentStream, IntoDocument,
    Project, ProjectInfo, State, Store, VersionedDocument,
};
pub(crate) use api::{Session, Shared};
