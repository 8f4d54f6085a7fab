//! Queries: which documents of a collection match, and how they are read.
//!
//! | file | content |
//! | --- | --- |
//! | `command.rs` | [`Find`]: filter, projection, sort, skip, limit |
//! | `distinct.rs` | the different values of a field |
//! | `access.rs` | the part of a collection that the conditions on `_id` leave |
//! | `matcher.rs` | a filter, compiled and as it was written |
//! | `selection.rs` | the documents that match |

mod access;
mod command;
mod distinct;
mod matcher;
mod selection;

pub use access::Access;
pub use command::{Find, FindCommand, collation_of};
pub use distinct::{distinct, distinct_in};
pub use matcher::Matcher;
pub use selection::Selection;
