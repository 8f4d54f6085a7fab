//! MongoDB Extended JSON v2, and the formats of older tools.
//!
//! Parsing accepts canonical and relaxed Extended JSON and the legacy forms of MongoDB's own tools.
//! Printing produces canonical (every type is preserved) or relaxed (for people) Extended JSON.
//! Both lose what Extended JSON can't express: the payload of a NaN, non-canonical decimals, the
//! names of an array's elements, unsorted options of a regular expression, and a field that has the
//! name of a wrapper (`$oid`). [`find_loss`] finds such values.
//!
//! People may type more: see [`parse_shell_value`].

mod dates;
mod db_pointer;
mod decimal;
mod error;
mod id;
mod loss;
mod parse;
mod print;
mod shell;
mod wrappers;

#[cfg(test)]
mod tests;

pub(super) use decimal::parse as parse_decimal;
pub use error::ExtJsonError;
pub use id::parse_id;
pub use loss::{Loss, find_loss};
pub(super) use parse::parse_document_bytes;
pub use parse::parse_nested;
pub use parse::{DoubledNames, NumberTypes, parse_document, parse_typed_document, parse_value};
pub(super) use print::excerpt;
pub use print::{Layout, Mode, print_document, print_raw_value, print_value};
pub use shell::{
    ParsedShell, ShellCall, ShellMethod, ShellStatement, parse_shell_document,
    parse_shell_statement, parse_shell_value, print_shell_bson, print_shell_value,
};
