//! Queries: which documents of a collection match, and how they are read.
//!
//! | file | content |
//! | --- | --- |
//! | `command.rs` | [`Find`]: filter, projection, sort, skip, limit |
//! | `distinct.rs` | the different values of a field |
//! | `access.rs` | the part of a collection that a query reads |
//! | `matcher.rs` | a filter with the part of a collection that it reads |
//! | `selection.rs` | the documents that match |

mod access;
mod command;
mod distinct;
mod matcher;
mod selection;

pub use access::Access;
pub use command::{Find, FindCommand, collation_of};
pub use distinct::distinct;
pub use matcher::Matcher;
pub use selection::Selection;
