//! Differences that can be stored, sent, and applied elsewhere, forwards and backwards.
//!
//! A [`Patch`] has the differences between two states with the values of both sides, so applying it
//! can check whether it fits, and it can be reversed. [`apply`] commits it in one commit, or not at
//! all. The caller determines the file format.
//!
//! | file | content |
//! | --- | --- |
//! | `model.rs` | [`Patch`], by collection and document |
//! | `edit.rs` | [`Edit`]: the changes of one document, by field |
//! | `tree.rs`, `fit.rs` | an edit as a tree; its application |
//! | `check.rs`, `collections.rs` | whether a patch fits a state, and its effect |
//! | `apply.rs` | the commit |

mod apply;
mod check;
mod collections;
mod edit;
mod fit;
mod model;
#[cfg(test)]
mod tests;
mod tree;

pub use apply::{Applied, MOST_VIOLATIONS, apply, apply_with};
pub use check::{Already, Conflict, ConflictReason, Preview, check, check_with};
pub use edit::{Edit, Edited, FieldEdit, FieldPosition, Misfit, MisfitReason, OrderEdit};
pub use model::{
    CollectionMetadata, DocumentChange, FIELD_OVERHEAD_BYTES, Patch, PatchSection, SectionChange,
};
