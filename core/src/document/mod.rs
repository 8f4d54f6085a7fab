//! Questions about a document that MongoDB would answer: does it match a query, which keys has it in an
//! index. Over raw BSON, and exact: what is not known to be answered as the server does is refused, with
//! what it is.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `filter/` | queries |
//! | `walk.rs` | which values a path leads to |
//! | `regex/` | regular expressions, as PCRE has them |
//! | `index_keys.rs` | the keys of a document in an index |

pub(crate) mod filter;
mod index_keys;
mod path;
mod pattern;
mod regex;
mod values;
mod walk;
mod written;

pub(crate) use filter::{Collation, Compiler, Filter, Judge, Undecided};
pub(crate) use index_keys::{IndexPaths, Keys, has_text};
pub use path::Path;
pub(crate) use path::as_names;
pub use pattern::Pattern;
pub(crate) use pattern::Place;
pub(crate) use regex::{Refused, Regex};

pub use crate::key::compare;
