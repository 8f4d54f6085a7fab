//! MongoDB Extended JSON v2, and what older tools wrote.
//!
//! Parsing accepts canonical and relaxed Extended JSON and the legacy forms of MongoDB's own tools.
//! Printing gives canonical (every type survives) or relaxed (for people) Extended JSON. What
//! Extended JSON can't express is lost in either: the payload of a NaN, non-canonical decimals, the
//! names of an array's elements, options of a regular expression that are not in order, and a field
//! that is itself named like a wrapper (`$oid`). [`find_loss`] finds it.

mod dates;
mod db_pointer;
mod decimal;
mod error;
mod id;
mod loss;
mod parse;
mod print;
mod wrappers;

#[cfg(test)]
mod tests;

pub(super) use decimal::parse as parse_decimal;
pub use error::ExtJsonError;
pub use id::parse_id;
pub use loss::{Loss, find_loss};
pub(super) use parse::parse_document_bytes;
pub use parse::parse_nested;
pub use parse::{DoubledNames, parse_document, parse_value};
pub(super) use print::excerpt;
pub use print::{Layout, Mode, print_document, print_raw_value, print_value};
