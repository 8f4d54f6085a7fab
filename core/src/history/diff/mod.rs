//! Differences between two states ([`diff`]), and between two images of a document ([`fields`]).
//!
//! | file | what is in it |
//! | --- | --- |
//! | `states.rs` | [`Diff`]: collections and documents that differ |
//! | `touched.rs` | what commits say of the documents that they touched |
//! | `fields.rs` | [`FieldChange`]: the fields that differ, for people and for other operations |
//! | `compare.rs` | the walk through two documents, and where in its document a field stands |
//! | `elements.rs` | which elements of two arrays belong together |

pub(crate) mod compare;
mod elements;
mod fields;
mod states;
mod touched;

pub use fields::{FieldChange, fields};
pub use states::{CollectionDiff, Diff, DocumentDiff, Section, diff};
pub(crate) use states::{compare_catalogs, touched_between};
pub(crate) use touched::{Touch, TouchedKeys, Touches, checked_versions};
