//! Plans: how a query reads a collection.
//!
//! A [`Query`] and the indexes of a state ([`IndexSource`]) give a [`Plan`]. The filter is evaluated
//! again on every document that a plan reads, so bounds may be too wide. Entries of an index are
//! candidates: a document counts by its own entries.
//!
//! | file | content |
//! | --- | --- |
//! | `interval.rs` | intervals of values, and their bytes in keys |
//! | `bounds.rs` | the values that a filter allows at a path |
//! | `condition.rs`, `pattern.rs` | the values that an operator, or a regular expression, allows |
//! | `implied.rs` | whether a query only matches documents of a partial index |
//! | `candidate.rs`, `fields.rs` | what an index can do for a query; the values that are read of its fields |
//! | `choose.rs` | [`choose`]: the rules by which the plan is chosen |
//! | `reason.rs` | why a query reads no index |
//! | `hint.rs`, `lookup.rs` | [`Hint`]; the plans of `$lookup` |
//! | `source.rs`, `store.rs` | [`IndexSource`]: the entries of indexes, as a store keeps them |
//! | `run.rs`, `index_scan.rs` | runs a plan |
//! | `explain.rs`, `shown.rs` | plans as documents of MongoDB's `explain` |

mod bounds;
mod candidate;
mod choose;
mod condition;
mod explain;
mod fields;
mod hint;
mod implied;
mod index_scan;
mod interval;
mod lookup;
mod pattern;
mod reason;
mod run;
mod shown;
mod source;
mod store;

use std::sync::Arc;

use argon_core::document::Index;
use argon_core::key::Key;
use bson::Document;

pub use argon_core::storage::Direction;
pub use candidate::ByteRange;
pub use choose::{Choice, choose};
pub use explain::{Explained, execution_stats, query_planner};
use fields::FieldBounds;
pub use hint::Hint;
pub(crate) use lookup::lookup;
pub use run::{Counters, Reader, count, read};
pub use source::{EntryStream, IndexProvider, IndexSource, ReadableIndex};
pub use store::StoreIndexes;

use crate::Collation;
use crate::find::Access;
use crate::sort::SortPattern;

/// What a plan is made for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// The filter, which was compiled before.
    pub filter: &'q Document,
    /// The order that is wanted.
    pub sort: Option<&'q SortPattern>,
    /// The number of documents that suffice.
    pub limit: Option<u64>,
    /// The order of texts; `None` for byte by byte, which indexes have.
    pub collation: Option<&'q Collation>,
    /// How the query must be read.
    pub hint: Option<&'q Hint>,
    /// Whether the collection is capped: a scan of it is in the order of insertion.
    pub is_capped: bool,
}

/// The indexes of a collection at a state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Indexes<'i> {
    /// See [`IndexSource::readable`].
    pub readable: &'i [ReadableIndex],
    /// See [`IndexSource::unreadable`].
    pub unreadable: &'i [(String, String)],
    /// The definitions, with that of `_id`.
    pub definitions: &'i [Document],
}

/// How a query reads a collection.
#[derive(Debug, Clone)]
pub enum Plan {
    /// The documents with these `_id`s, ascending.
    IdPoints(Vec<Key>),
    /// The documents with `_id`s in a range.
    IdRange(Access),
    /// Those of the entries in some ranges of an index.
    IndexScan(IndexScan),
    /// Those of each plan, once.
    Or(Vec<Plan>),
    /// All documents, in the order of their `_id`s, or of their insertion in a capped collection.
    CollectionScan {
        /// The direction, which is descending for capped collections only.
        direction: Direction,
        /// Why no index is used.
        why: String,
    },
}

/// A scan of an index.
#[derive(Debug, Clone)]
pub struct IndexScan {
    /// The position of the index among the readable ones.
    pub at: usize,
    /// The index.
    pub index: Arc<Index>,
    /// Whether documents may have several entries.
    pub multikey: bool,
    bounds: Vec<FieldBounds>,
    /// The ranges of keys, ascending, which do not overlap.
    pub ranges: Vec<ByteRange>,
    /// The direction of the scan.
    pub direction: Direction,
    /// Whether the entries are in the order of the query's sort.
    pub provides_sort: bool,
    /// Whether exactly the entries in the ranges are those of documents that match.
    pub covers_filter: bool,
}

impl<'q> Query<'q> {
    /// A query with a filter alone.
    pub fn of(filter: &'q Document) -> Self {
        Self { filter, sort: None, limit: None, collation: None, hint: None, is_capped: false }
    }

    fn is_collated(&self) -> bool {
        self.collation.is_some()
    }

    fn is_hinted(&self) -> bool {
        self.hint.is_some()
    }
}

impl<'i> Indexes<'i> {
    /// The indexes of a source, with the definitions of the collection.
    pub fn of(source: Option<&'i Arc<dyn IndexSource>>, definitions: &'i [Document]) -> Self {
        match source {
            Some(source) => {
                Self { readable: source.readable(), unreadable: source.unreadable(), definitions }
            }
            None => Self { definitions, ..Self::default() },
        }
    }
}
