//! The documents of a query, in batches.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon_core::Error;
use argon_query::pipeline::Rows;
use argon_service::{Failure, Result};
use futures::TryStreamExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::task::JoinHandle;

use crate::connection::Lease;
use crate::runtime::{current, wait_here};

/// About the most bytes of a batch. Python decodes one while the next is read.
const BATCH_BYTES: usize = 1 << 20;

/// The documents of a query. The store stays open until the last batch, [`close`](Self::close), or the end of the
/// cursor.
#[pyclass(frozen, module = "argondb._argondb")]
pub(crate) struct Cursor {
    state: Mutex<State>,
}

enum State {
    /// Nothing is read yet.
    New(Source),
    /// The next batch is being read.
    Reading(JoinHandle<Result<Batch>>),
    Ended,
}

/// What is left of the rows, with the store that they are of.
struct Source {
    rows: Rows,
    _lease: Lease,
}

/// Documents one after the other, and what is left after them.
struct Batch {
    bytes: Vec<u8>,
    rest: Option<Source>,
}

impl Cursor {
    pub(crate) fn new(rows: Rows, lease: Lease) -> Self {
        Self { state: Mutex::new(State::New(Source { rows, _lease: lease })) }
    }

    /// A cursor without documents.
    pub(crate) fn empty() -> Self {
        Self { state: Mutex::new(State::Ended) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Cursor {
    /// The next documents, one after the other; `None` after the last.
    fn next_batch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let runtime = current().map_err(|failure| crate::errors::exception(py, &failure))?;
        let taken = std::mem::replace(&mut *self.state(), State::Ended);
        let (mut task, is_first) = match taken {
            State::New(source) => (Task(runtime.spawn(source.batch())), true),
            State::Reading(task) => (Task(task), false),
            State::Ended => return Ok(None),
        };
        let batch = wait_here(py, async { joined((&mut task.0).await) })?;
        if let Some(rest) = batch.rest {
            // Who reads only the first documents reads no more than them.
            let state = if is_first {
                State::New(rest)
            } else {
                State::Reading(runtime.spawn(rest.batch()))
            };
            *self.state() = state;
        }
        Ok((!batch.bytes.is_empty()).then(|| PyBytes::new(py, &batch.bytes)))
    }

    /// Whether all batches were given.
    #[getter]
    fn ended(&self) -> bool {
        matches!(*self.state(), State::Ended)
    }

    /// Gives up the rest.
    fn close(&self) {
        let taken = std::mem::replace(&mut *self.state(), State::Ended);
        if let State::Reading(task) = taken {
            task.abort();
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.close();
    }
}

/// Ends a task that nobody waits for any more.
struct Task(JoinHandle<Result<Batch>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn joined(result: Result<Result<Batch>, tokio::task::JoinError>) -> Result<Batch> {
    result.unwrap_or_else(|error| {
        Err(Error::internal("the reader of a cursor crashed").with_source(error).into())
    })
}

impl Source {
    /// Reads the next batch: at least one document, unless none is left.
    async fn batch(mut self) -> Result<Batch> {
        let mut bytes = Vec::new();
        while bytes.len() < BATCH_BYTES {
            let Some(rows) = self.rows.try_next().await.map_err(Failure::from)? else {
                return Ok(Batch { bytes, rest: None });
            };
            for row in rows {
                bytes.extend_from_slice(row.as_raw().as_bytes());
            }
        }
        Ok(Batch { bytes, rest: Some(self) })
    }
}
