//! Collections of a branch.

mod change;
mod list;

pub use self::change::{
    ChangedCollections, CreateCollection, DropCollection, RenameCollection, Signature, create,
    drop, rename,
};
pub use self::list::{ListCollections, ListedCollection, list};
