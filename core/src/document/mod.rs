//! The one language for what is in documents: paths, patterns of paths, the order of values, queries, and
//! the keys of indexes. Over raw BSON, and exact: what is not known to be answered as MongoDB's server does
//! is refused, with what it is.
//!
//! Whoever names fields does it by these: merge policies, masks, checks, bisect, diffs and patches. A rule
//! that could match nothing as it is written is refused when it is made, with what to write instead
//! ([`Path::check`], [`Pattern::check`], [`Filter::rule`]); what was stored before is read as it was.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `path.rs`, `written.rs` | [`Path`], and how one is written |
//! | `pattern/` | [`Pattern`]: paths with stars, and walks by them |
//! | `walk.rs`, `values.rs` | which values a path leads to |
//! | `filter/` | [`Filter`]: queries |
//! | `regex/` | regular expressions, as PCRE has them |
//! | `index_keys.rs` | the keys of a document in an index |
//! | `key/` | [`key`]: the encoding of `_id`s, whose byte order is that of values |
//! | `value.rs` | values as the bytes that they are in a document |
//! | `definition.rs` | [`definition`]: comparing options and indexes |

pub mod definition;
mod filter;
mod index_keys;
pub mod key;
mod path;
mod pattern;
mod refused;
mod regex;
pub(crate) mod value;
mod values;
mod walk;
mod written;

pub(crate) use filter::{Collation, Compiler, Judge};
pub use filter::{Filter, Undecided};
pub(crate) use index_keys::{IndexPaths, Keys, has_text};
pub use key::compare;
pub use path::Path;
pub(crate) use path::as_names;
pub use pattern::Pattern;
pub(crate) use pattern::PatternPosition;
#[cfg(feature = "json-schema")]
pub(crate) use refused::Refused;
#[cfg(feature = "json-schema")]
pub(crate) use regex::Regex;
