//! Requests of the service's operations, as HTTP and MCP have them.
//!
//! | file | content |
//! | --- | --- |
//! | `run.rs` | what an operation works on, and its run |
//! | `result.rs` | results as JSON, whole or page by page |
//! | `cursor.rs` | where the next page begins |
//! | `error.rs` | errors as objects |

mod cursor;
mod error;
mod result;
mod run;

pub(crate) use cursor::{Cursor, StatePlace, of_pages};
pub(crate) use error::error_object;
pub(crate) use result::{Page, Whole, enough, write};
pub use run::OperationOptions;
pub(crate) use run::{forget, run, target};
