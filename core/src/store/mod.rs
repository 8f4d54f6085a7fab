//! Stores, projects, branches and states: the API for programs that embed Argon. Also the records
//! of refs, and the module through which every movement of a branch passes.
//!
//! | module | content |
//! | --- | --- |
//! | `api` | the handles: [`Store`], [`Project`], [`Branch`], [`State`], [`Collection`] |
//! | `records` | the records of refs, and the names of refs |
//! | `guard`, `rename`, `read_only`, `lease` | reads and moves branches, renames them, makes them read-only, ends them |
//! | `pins`, `signature` | permanent names of states, and their signatures |
//! | [`mask`] | branches whose reads never return the originals |
//! | `kept`, `garbage` | the retained states, and the removed data |
//! | `plans` | storage of plans |
//! | `log`, [`snapshot`] | the log of a state, and its snapshots |
//! | [`users`] | users of a server over the store |
//! | [`watch`] | the log of a branch as a stream that follows it |

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
pub mod users;
pub mod watch;

pub use api::{
    Branch, BranchInfo, BroughtIndex, Collection, CollectionView, CreatedIndex, DeletedProject,
    DocumentStream, InsertedDocument, IntoDocument, Project, ProjectInfo, State, Store, TypedView,
    ValueChange, VersionedDocument, VersionedValue,
};
pub(crate) use api::{Session, Shared};
