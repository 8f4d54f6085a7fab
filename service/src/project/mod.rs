//! Projects: the databases of a store.

mod choose;
mod create;
mod delete;
mod list;
mod undelete;

pub use self::choose::{CurrentProject, UseProject, choose};
pub use self::create::{CreateProject, CreatedProject, create};
pub use self::delete::{DeleteProject, ProjectDeleted, delete};
pub use self::list::{
    DeletedProject, ListDeletedProjects, ListProjects, ListedProject, list, list_deleted,
};
pub use self::undelete::{UndeleteProject, UndeletedProject, undelete};
