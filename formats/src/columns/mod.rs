//! Documents as columns in Arrow's layout.
//!
//! The type of a column is inferred over all documents, never from the first ones. So a table takes two passes:
//! [`Fields`] gathers the types, and a [`Column`] of them takes the values.
//!
//! | file | content |
//! | --- | --- |
//! | `kind.rs` | the type of a column |
//! | `types.rs` | the types of its values |
//! | `changes.rs` | which columns do not give back what they were made of |
//! | `builder.rs` | the buffers of a column |
//! | `arrow.rs` | the columns as Arrow's arrays, with the feature `columnar` |

#[cfg(feature = "columnar")]
pub(crate) mod arrow;
mod builder;
mod changes;
mod kind;
mod types;

use argon_core::Error;

pub use self::builder::{Bits, Bytes, Column, TextOf, Values};
pub use self::changes::{Change, ChangedColumn};
pub use self::kind::Fields;

fn malformed(source: bson::error::Error) -> Error {
    Error::invalid("a document is not valid BSON").with_source(source)
}
