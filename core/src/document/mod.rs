//! Questions about a document that MongoDB would answer: does it match a query, which keys has it in an
//! index. Over raw BSON, and exact: what is not known to be answered as the server does is refused, with
//! what it is.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `filter.rs`, `compile.rs` | queries; reading them |
//! | `walk.rs` | which values a path leads to |
//! | `operand.rs` | comparing values |
//! | `regex/` | regular expressions, as PCRE has them |
//! | `index_keys.rs` | the keys of a document in an index |

mod compile;
mod filter;
mod index_keys;
mod operand;
mod path;
mod pattern;
mod regex;
#[cfg(test)]
mod tests;
mod values;
mod walk;
mod written;

pub(crate) use compile::{Collation, Compiler};
pub(crate) use filter::{Filter, Judge, Undecided};
pub(crate) use index_keys::{IndexPaths, Keys, has_text};
pub use path::Path;
pub(crate) use path::as_names;
pub use pattern::Pattern;
pub(crate) use pattern::Place;
pub(crate) use regex::{Refused, Regex};

pub use crate::key::compare;
