//! JSON as people type it in MongoDB's shell: a superset of Extended JSON.
//!
//! Beyond JSON it has names without quotes, strings in single quotes, commas after the last element,
//! comments, `undefined`, `NaN` and `Infinity`, regular expressions (`/^a/i`), and the shell's
//! constructors: `ObjectId("…")`, `ISODate("…")`, `NumberLong("5")` and others. Whatever else
//! JavaScript has is refused: no expression is evaluated. Calls such as `db.users.find({…})` are
//! statements, of which the parts are values.
//!
//! | file | content |
//! | --- | --- |
//! | `parse.rs` | the grammar |
//! | `statement.rs` | calls and commands |
//! | `print.rs` | values as the shell prints them |
//! | `text.rs` | characters, strings, names, numbers |
//! | `constructors.rs` | the values of constructors |

mod constructors;
mod parse;
mod print;
mod statement;
mod text;

#[cfg(test)]
mod tests;

use bson::{Bson, Document};

use super::ExtJsonError;
use super::print::excerpt;

pub use print::{print_shell_bson, print_shell_value};
pub use statement::{ParsedShell, ShellCall, ShellMethod, ShellStatement, parse_shell_statement};

/// Parses one value as it is typed in MongoDB's shell. A number is as in [`super::parse_value`]:
/// the first of int32, int64 and double that can hold it; one with a point or an exponent is a
/// double.
///
/// # Errors
/// The problem, with its line and column.
pub fn parse_shell_value(text: &str) -> Result<Bson, ExtJsonError> {
    parse::parse(text)
}

/// [`parse_shell_value`] for a document, such as a filter.
///
/// # Errors
/// The problem, with its line and column, or the value that is no document.
pub fn parse_shell_document(text: &str) -> Result<Document, ExtJsonError> {
    match parse::parse(text)? {
        Bson::Document(document) => Ok(document),
        other => Err(ExtJsonError::NotADocument { found: excerpt(&other) }),
    }
}
