//! The changes of one commit, and the differences between two states.
//!
//! Both are streams of [`Shown`], in bounded memory: a front end prints or sends each item as it comes.
//!
//! | file | content |
//! | --- | --- |
//! | `filter.rs` | which part of the changes is listed |
//! | `listing.rs` | how much of the changes is listed |
//! | `shown.rs` | the items, as JSON has them |
//! | `lister.rs` | from changes to items, numbers and a summary |
//! | `commit.rs` | the changes of a commit |
//! | `diff.rs` | the differences between two states |

mod commit;
mod diff;
mod filter;
mod lister;
mod listing;
mod shown;

pub use self::commit::{CommitChanges, ShowCommit, commit};
pub use self::diff::{CompareStates, Comparison, compare, write_patch};
pub(crate) use self::diff::{NamedState, count_changes};
pub use self::filter::ChangeFilter;
pub(crate) use self::lister::{Change, list};
pub use self::listing::{Detail, Listing};
pub use self::shown::{
    CollectionChange, CollectionChangeKind, CollectionDefinition, ComparedState, ComparedStates,
    DocumentChange, DocumentChangeKind, FieldDifference, Numbers, Shown, ShownCommit, Summary,
};
