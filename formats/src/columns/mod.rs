//! Documents as columns in Arrow's layout.
//!
//! The type of a column is inferred over all documents, never from the first ones. So a table takes two passes:
//! [`Fields`] gathers the types, and a [`Column`] of them takes the values.
//!
//! | file | content |
//! | --- | --- |
//! | `kind.rs` | the type of a column |
//! | `builder.rs` | the buffers of a column |

mod builder;
mod kind;

use argon_core::Error;

pub use self::builder::{Bits, Bytes, Column, TextOf, Values};
pub use self::kind::Fields;

fn malformed(source: bson::error::Error) -> Error {
    Error::invalid("a document is not valid BSON").with_source(source)
}
