//! Statements of MongoDB's shell as operations of this library: `db.users.find({…}).limit(5)` is a
//! [`FindDocuments`](crate::document::FindDocuments).
//!
//! | file | content |
//! | --- | --- |
//! | `operation.rs` | what a statement asks for |
//! | `collection.rs`, `cursor.rs`, `database.rs` | the methods of a collection, of a cursor, of `db` |
//! | `arguments.rs` | the arguments of a method |
//! | `change.rs`, `bulk.rs` | the methods of a collection that change documents; `bulkWrite` |
//! | `explain.rs` | `explain`, before a method or after it |
//! | `run.rs`, `write.rs` | an operation in a workspace, and its answer |
//!
//! No JavaScript is evaluated: arguments are values.

mod arguments;
mod bulk;
mod change;
mod collection;
mod cursor;
mod database;
mod explain;
mod operation;
mod run;
mod write;

pub use self::bulk::{BulkOperation, BulkWrite};
pub use self::collection::METHODS as COLLECTION_METHODS;
pub use self::cursor::METHODS as CURSOR_METHODS;
pub use self::database::METHODS as DATABASE_METHODS;
pub use self::operation::ShellOperation;
pub use self::run::{ShellAnswer, run};

#[cfg(test)]
mod tests;
