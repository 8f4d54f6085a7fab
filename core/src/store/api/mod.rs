//! The handles of the API: a [`Store`] has [`Project`]s, a project has [`Branch`]es, a branch takes
//! writes and returns [`State`]s, and a state is read.

mod branch;
mod brought;
mod collection;
mod create_indexes;
mod deleted;
mod held_branch;
mod indexes;
mod insertion;
mod project;
mod state;
mod store;
mod typed;
mod typed_view;
mod typed_watch;

pub use branch::{Branch, BranchInfo};
pub use brought::BroughtIndex;
pub use collection::{Collection, IntoDocument};
pub use create_indexes::CreatedIndex;
pub use deleted::DeletedProject;
pub use insertion::InsertedDocument;
pub(crate) use project::refuse_reserved_name;
pub use project::{Project, ProjectInfo};
pub use state::{CollectionView, DocumentStream, State, VersionedDocument};
pub use store::Store;
pub(crate) use store::{Session, Shared};
pub use typed::VersionedValue;
pub use typed_view::TypedView;
pub use typed_watch::ValueChange;
