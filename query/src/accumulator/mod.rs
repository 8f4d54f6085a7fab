//! Accumulators: the functions of `$group`, `$bucket`, `$setWindowFields` over many documents.
//!
//! An [`Accumulation`] compiles once from `{$sum: "$price"}`. Each group starts an [`Accumulator`]
//! from it, and adds a value for each of its documents.
//!
//! | file | content |
//! | --- | --- |
//! | `accumulation.rs` | [`Accumulation`]: compiles accumulators |
//! | `definition.rs` | the table of all accumulators |
//! | `arguments.rs` | `{n, input}` and other arguments of several accumulators |
//! | `sort_by.rs` | the sort of `$top` and `$setWindowFields` |
//! | `sum.rs` | `$sum`, `$avg`, `$count` |
//! | `summation.rs` | exact sums of doubles |
//! | `deviation.rs` | `$stdDevPop`, `$stdDevSamp` |
//! | `percentile.rs` | `$percentile`, `$median` |
//! | `t_digest.rs` | the digest that percentiles come from |
//! | `merge_objects.rs` | `$mergeObjects` |
//! | `collect.rs` | `$push`, `$addToSet`, `$concatArrays`, `$setUnion` |
//! | `extremes.rs` | `$min`, `$max`, `$minN`, `$maxN` |
//! | `position.rs` | `$first`, `$last`, `$firstN`, `$lastN` |
//! | `ranked.rs` | `$top`, `$topN`, `$bottom`, `$bottomN` |

mod accumulation;
pub(crate) mod arguments;
mod collect;
mod definition;
pub(crate) mod deviation;
pub(crate) mod extremes;
pub(crate) mod merge_objects;
pub(crate) mod percentile;
pub(crate) mod position;
mod ranked;
pub(crate) mod sort_by;
pub(crate) mod sum;
mod summation;
mod t_digest;

use std::fmt;

use argon_core::{Error, Result};
use bson::raw::{RawBson, RawBsonRef};

pub use accumulation::Accumulation;
pub use definition::{AccumulatorDefinition, accumulators};

use crate::value::{Value, elements};

/// The state of an accumulator for one group.
pub trait Accumulator: fmt::Debug + Send {
    /// Adds the value of a document. The order of documents decides for `$first`, `$push` and
    /// others.
    ///
    /// # Errors
    /// An [error with a code](crate::Code) if the accumulator does not take such a value.
    fn add(&mut self, value: Value<'_>) -> Result<()>;

    /// Returns the state as a value for [`merge`](Self::merge), which a stage can write to a file.
    fn partial(&self) -> Result<RawBson>;

    /// Adds the [`partial`](Self::partial) state of documents that follow those of this one.
    ///
    /// # Errors
    /// `Corrupt` if it is not the state of such an accumulator.
    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()>;

    /// About how many bytes the state takes, besides the accumulator itself.
    fn memory(&self) -> usize;

    /// Returns the result for the values so far. It can be called at any time; a field whose result
    /// is missing is left out by stages that make documents.
    ///
    /// # Errors
    /// An [error with a code](crate::Code) that MongoDB gives too.
    fn finish(&self) -> Result<Value<'static>>;
}

/// The bytes that a value takes in the memory of an accumulator.
pub(crate) fn size_of(value: RawBsonRef<'_>) -> usize {
    const FIXED: usize = size_of_value();
    FIXED
        + match value {
            RawBsonRef::Document(document) => document.as_bytes().len(),
            RawBsonRef::Array(array) => array.as_bytes().len(),
            RawBsonRef::String(text)
            | RawBsonRef::JavaScriptCode(text)
            | RawBsonRef::Symbol(text) => text.len(),
            RawBsonRef::Binary(binary) => binary.bytes.len(),
            _ => 0,
        }
}

const fn size_of_value() -> usize {
    std::mem::size_of::<RawBson>()
}

/// The elements of a partial state.
pub(crate) fn partial_elements(state: RawBsonRef<'_>) -> Result<Vec<RawBsonRef<'_>>> {
    match state {
        RawBsonRef::Array(array) => elements(array),
        _ => Err(Error::corrupt("a partial state of an accumulator is not an array")),
    }
}
