//! The language for the content of documents: paths, patterns of paths, the order of values,
//! queries, and the keys of indexes. On raw BSON, and exact: a construct whose answer might differ
//! from MongoDB's server is refused by name.
//!
//! Everything that names fields uses it: merge policies, masks, checks, bisect, diffs and patches.
//! A new rule that could never match is refused, with a valid alternative ([`Path::check`],
//! [`Pattern::check`], [`Filter::rule`]); stored rules keep their meaning.
//!
//! | file | content |
//! | --- | --- |
//! | `path.rs`, `written.rs` | [`Path`], and its written form |
//! | `pattern/` | [`Pattern`]: paths with stars, and walks by them |
//! | `field.rs`, `walk.rs`, `values.rs` | a field by its name; the values at a path |
//! | `filter/` | [`Filter`]: queries |
//! | `regex/` | regular expressions of PCRE |
//! | `index/` | [`Index`]: index definitions, and the keys of a document in an index |
//! | `key/` | [`key`]: the encoding of `_id`s, whose byte order is that of values |
//! | `value.rs` | values as bytes of a document |
//! | `definition.rs` | [`definition`]: compares options and indexes |
//! | `difference.rs` | applies what differs between two images to a third |

pub mod definition;
mod difference;
mod field;
mod filter;
mod index;
pub mod key;
mod path;
mod pattern;
mod refused;
mod regex;
pub(crate) mod value;
mod values;
mod walk;
mod written;

pub(crate) use difference::apply_difference;
pub use field::field;
pub(crate) use filter::{Collation, Compiler};
pub use filter::{Condition, Environment, Extension, Filter, Undecided};
pub(crate) use index::Keys;
pub use index::{
    CUT_PREFIX_BYTES, Entries, FieldKind, Index, IndexField, MOST_KEY_BYTES, Unindexable, cut,
    index_hash, is_cut,
};
pub use key::compare;
pub use path::Path;
pub(crate) use path::as_names;
pub use pattern::Pattern;
pub(crate) use pattern::PatternPosition;
pub use refused::FILTER_OPERATORS;
pub(crate) use refused::Refused;
#[cfg(feature = "json-schema")]
pub(crate) use regex::Regex;
pub use regex::{Captures, CapturingRegex};
