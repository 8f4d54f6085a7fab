//! Three-way merge of one document, field by field.
//!
//! [`merge_document`] takes the three versions of a document, the [`Policy`] of the merge and the
//! [`Resolutions`] for this document, and returns the merged document with the unresolved
//! conflicts. It is a pure function: no store, no clock. "Equal" always means equal type and bytes,
//! so values of a side are taken bit by bit.
//!
//! | file | content |
//! | --- | --- |
//! | `document.rs` | [`merge_document`]: merges versions to a checked document |
//! | `merger.rs`, `arrays.rs` | the rules for fields, and for arrays |
//! | `definition.rs` | the single values in a collection's definition |
//! | `settle.rs`, `numbers.rs` | resolves conflicts: resolutions, strategies, arithmetic |
//! | `align.rs` | aligns fields and elements, and determines their order |
//! | `sides.rs`, `output.rs` | three versions of a value; writing values |
//! | `strategy.rs`, `policy.rs`, `conflict.rs`, `resolution.rs` | the types |

mod align;
mod arrays;
mod conflict;
mod definition;
mod document;
mod merger;
mod numbers;
mod output;
mod policy;
mod resolution;
mod settle;
mod sides;
mod strategy;
#[cfg(test)]
mod tests;

pub use conflict::{Cause, FieldConflict};
pub(crate) use definition::merge_definition;
pub use document::{Merged, Versions, conflicting_paths, merge_document};
pub use policy::{Policy, Rule};
pub use resolution::{Choice, Resolutions};
pub use strategy::Strategy;
