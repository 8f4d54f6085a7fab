//! The native part of the Python package `argondb`: stores, in the process of Python.
//!
//! Documents, requests and results of the service cross as BSON; the package (`python/argondb`) makes
//! Python's objects of them. Nothing here is public: programs use the
//! package.
//!
//! | file | content |
//! | --- | --- |
//! | `runtime.rs` | the runtime of the process; waiting, while Python works on and Ctrl-C interrupts |
//! | `connection.rs` | a store that is let go while nobody uses it |
//! | `process.rs` | what happens to all stores before a fork, and at the end of the process |
//! | `users.rs` | cursors, transactions and watches, which end with their store |
//! | `store.rs` | the class of stores |
//! | `place.rs` | what documents are read of: a branch, a past state, a transaction |
//! | `documents.rs` | the class that reads and writes documents of a place |
//! | `commands.rs` | commands with documents, as the package sends them |
//! | `bulk.rs`, `find_and_modify.rs` | commands that read what they write |
//! | `cursor.rs` | the documents of a query, in batches |
//! | `columns/` | documents as columns in Arrow's layout |
//! | `watch.rs` | the commits of a branch as they are made |
//! | `errors.rs`, `hints.rs` | errors as Python's exceptions, with advice in its words |

mod bulk;
mod columns;
mod commands;
mod connection;
mod cursor;
mod documents;
mod errors;
mod find_and_modify;
mod hints;
mod place;
mod process;
mod runtime;
mod store;
mod users;
mod watch;

/// The native part of argondb.
#[pyo3::pymodule(name = "_argondb")]
mod module {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::cursor::Cursor;
    #[pymodule_export]
    use super::documents::Documents;
    #[pymodule_export]
    use super::process::{close_all, release_before_fork};
    #[pymodule_export]
    use super::store::Store;
    #[pymodule_export]
    use super::watch::Watch;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
