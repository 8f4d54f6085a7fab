//! The documents of a query, in batches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use argon_core::Error;
use argon_query::pipeline::Rows;
use argon_service::{Failure, Result};
use futures::TryStreamExt;
use futures::future::BoxFuture;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::connection::Lease;
use crate::errors::exception;
use crate::runtime::{current, wait_here};
use crate::users::{StoreUser, closed};

/// About the most bytes of a batch. Python decodes one while the next is read.
const BATCH_BYTES: usize = 1 << 20;

/// The documents of a query. The store stays open until the last batch, [`close`](Self::close), or the end of the
/// cursor.
#[pyclass(frozen, module = "argondb._argondb")]
pub(crate) struct Cursor {
    reader: Arc<Reader>,
}

/// What a cursor has left to read.
struct Reader(Mutex<State>);

enum State {
    /// Nothing is read yet.
    New(Source),
    /// The next batch is being read.
    Reading(JoinHandle<Result<Batch>>),
    /// Somebody waits for the next batch.
    Awaited,
    Ended,
    /// The store was closed before the last batch.
    StoreClosed,
}

/// What is left of the rows, with the store that they are of.
struct Source {
    rows: Rows,
    /// How long reading them may take yet; `None` for any time.
    time_left: Option<Duration>,
    _lease: Lease,
}

/// Documents one after the other, and what is left after them.
struct Batch {
    bytes: Vec<u8>,
    rest: Option<Source>,
}

impl Cursor {
    /// # Errors
    /// `Invalid` if the store was closed meanwhile.
    pub(crate) fn new(rows: Rows, lease: Lease, time_left: Option<Duration>) -> Result<Self> {
        let connection = lease.connection().clone();
        let source = Source { rows, time_left, _lease: lease };
        let reader = Arc::new(Reader(Mutex::new(State::New(source))));
        let user: Weak<Reader> = Arc::downgrade(&reader);
        connection.users.add(user)?;
        Ok(Self { reader })
    }

    /// A cursor without documents.
    pub(crate) fn empty() -> Self {
        Self { reader: Arc::new(Reader(Mutex::new(State::Ended))) }
    }
}

impl Reader {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on after a batch, unless the cursor or the store was closed meanwhile.
    fn continue_with(&self, next: State) {
        let mut state = self.state();
        match (&*state, &next) {
            (State::Awaited, _) | (State::StoreClosed, State::Ended) => *state = next,
            _ => {
                drop(state);
                if let State::Reading(task) = next {
                    task.abort();
                }
            }
        }
    }

    /// Gives up the rest.
    fn give_up(&self, state: State) {
        let taken = std::mem::replace(&mut *self.state(), state);
        if let State::Reading(task) = taken {
            task.abort();
        }
    }
}

impl StoreUser for Reader {
    fn end(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let state = std::mem::replace(&mut *self.state(), State::StoreClosed);
            match state {
                State::Reading(task) => {
                    task.abort();
                    // Its lease ends with it.
                    let _ = task.await;
                }
                State::Ended => *self.state() = State::Ended,
                State::New(_) | State::Awaited | State::StoreClosed => {}
            }
        })
    }
}

#[pymethods]
impl Cursor {
    /// The next documents, one after the other; `None` after the last.
    fn next_batch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let runtime = current().map_err(|failure| exception(py, &failure))?;
        let taken = std::mem::replace(&mut *self.reader.state(), State::Awaited);
        let (mut task, is_first) = match taken {
            State::New(source) => (Task(runtime.spawn(source.batch())), true),
            State::Reading(task) => (Task(task), false),
            State::Awaited | State::Ended => {
                *self.reader.state() = State::Ended;
                return Ok(None);
            }
            State::StoreClosed => {
                *self.reader.state() = State::StoreClosed;
                return Err(exception(py, &closed().into()));
            }
        };
        let batch = wait_here(py, async { joined((&mut task.0).await) });
        let (batch, rest) = match batch {
            Ok(batch) => (Ok(batch.bytes), batch.rest),
            Err(error) => (Err(error), None),
        };
        let next = match rest {
            // Who reads only the first documents reads no more than them.
            Some(rest) if is_first => State::New(rest),
            Some(rest) => State::Reading(runtime.spawn(rest.batch())),
            None => State::Ended,
        };
        self.reader.continue_with(next);
        let bytes = batch?;
        Ok((!bytes.is_empty()).then(|| PyBytes::new(py, &bytes)))
    }

    /// Whether all batches were given.
    #[getter]
    fn ended(&self) -> bool {
        matches!(*self.reader.state(), State::Ended)
    }

    /// Gives up the rest.
    fn close(&self) {
        self.reader.give_up(State::Ended);
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
        let end = self.time_left.map(|time| Instant::now() + time);
        let mut bytes = Vec::new();
        while bytes.len() < BATCH_BYTES {
            let rows = match end {
                Some(end) => timeout_at(end, self.rows.try_next()).await.map_err(|_| late())?,
                None => self.rows.try_next().await,
            };
            let rows = rows.map_err(Failure::from)?;
            // What computes without a pause is not interrupted.
            if end.is_some_and(|end| end < Instant::now()) {
                return Err(late());
            }
            let Some(rows) = rows else { return Ok(Batch { bytes, rest: None }) };
            for row in rows {
                bytes.extend_from_slice(row.as_raw().as_bytes());
            }
        }
        self.time_left = end.map(|end| end.saturating_duration_since(Instant::now()));
        Ok(Batch { bytes, rest: Some(self) })
    }
}

/// MongoDB's error for a query that takes too long.
fn late() -> Failure {
    let error = Error::unavailable("the query took longer than max_time_ms allows");
    error.with_code(50, "MaxTimeMSExpired").into()
}
