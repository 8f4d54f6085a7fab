//! Differences between two states ([`diff`]), and between two images of a document ([`fields`]).
//!
//! | file | content |
//! | --- | --- |
//! | `states.rs` | [`Diff`]: collections and documents that differ |
//! | `touched.rs` | the documents that commits touched, with their versions |
//! | `fields.rs` | [`FieldChange`]: the differing fields, for people and for other operations |
//! | `compare.rs` | compares two documents, with the positions of fields |
//! | `elements.rs` | aligns the elements of two arrays |

pub(crate) mod compare;
mod elements;
mod fields;
mod states;
mod touched;

pub use fields::{FieldChange, fields};
pub use states::{CollectionDiff, Diff, DocumentDiff, Section, diff};
pub(crate) use states::{compare_catalogs, touched_between};
pub(crate) use touched::{Touch, TouchedKeys, Touches, checked_versions};
