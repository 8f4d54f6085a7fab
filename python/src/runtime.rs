//! The runtime of the process, and waiting for its futures.

use std::num::NonZero;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::available_parallelism;
use std::time::Duration;

use argon_core::Error;
use argon_service::{Failure, Result};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::connection::Connection;
use crate::errors;

/// How often a call that waits looks for signals.
const LOOK_FOR_SIGNALS: Duration = Duration::from_millis(50);

/// The fewest threads that run futures: one may be busy with a long step.
const FEWEST_THREADS: usize = 2;

/// What a process has. A child of a fork has none of its parent's threads, and may find its locks taken for ever, so
/// it gets the next one.
struct OfProcess {
    process: u32,
    runtime: Runtime,
    connections: Mutex<Vec<Weak<Connection>>>,
    next: OnceLock<Box<OfProcess>>,
}

static FIRST: OnceLock<Box<OfProcess>> = OnceLock::new();

/// The runtime of this process. It is made at the first call, and never ends.
///
/// # Errors
/// `Unavailable` if the system gives no threads.
pub(crate) fn current() -> Result<&'static Runtime> {
    Ok(&of_process()?.runtime)
}

/// Adds a connection to those of this process.
///
/// # Errors
/// See [`current`].
pub(crate) fn register(connection: &Arc<Connection>) -> Result {
    let mut connections = locked(&of_process()?.connections);
    connections.retain(|known| known.strong_count() > 0);
    connections.push(Arc::downgrade(connection));
    Ok(())
}

/// The connections of this process.
pub(crate) fn connections() -> Vec<Arc<Connection>> {
    let mut place = &FIRST;
    while let Some(found) = place.get() {
        if found.process == std::process::id() {
            return locked(&found.connections).iter().filter_map(Weak::upgrade).collect();
        }
        place = &found.next;
    }
    Vec::new()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn of_process() -> Result<&'static OfProcess> {
    let process = std::process::id();
    let mut place = &FIRST;
    loop {
        let found = match place.get() {
            Some(found) => found,
            None => {
                let (runtime, next) = (make()?, OnceLock::new());
                let made = OfProcess { process, runtime, connections: Mutex::default(), next };
                // Another thread may have been faster; its runtime counts.
                place.get_or_init(|| Box::new(made))
            }
        };
        if found.process == process {
            return Ok(found);
        }
        place = &found.next;
    }
}

fn make() -> Result<Runtime> {
    let threads = available_parallelism().map_or(1, NonZero::get).max(FEWEST_THREADS);
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name("argondb").enable_all();
    builder.build().map_err(|source| {
        Error::unavailable("can't start the threads of argondb").with_source(source).into()
    })
}

/// Waits for a future that another thread runs. Python's other threads run meanwhile, and a signal whose
/// handler raises ends the future; what it has begun to commit is complete or absent.
///
/// # Errors
/// Those of the future, as exceptions; `KeyboardInterrupt`.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    let runtime = current().map_err(|failure| errors::exception(py, &failure))?;
    let mut task = Abort(runtime.spawn(future));
    let joined = async move {
        (&mut task.0).await.unwrap_or_else(|error| {
            Err(Error::internal("a thread of argondb crashed").with_source(error).into())
        })
    };
    wait_here(py, joined)
}

/// Ends a task that nobody waits for any more.
struct Abort<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// [`wait`] for a future that runs on this thread: sooner for short ones.
///
/// # Errors
/// See [`wait`].
pub(crate) fn wait_here<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send,
) -> PyResult<T> {
    let runtime = current().map_err(|failure| errors::exception(py, &failure))?;
    let mut future = pin!(future);
    loop {
        let waited = py.detach(|| runtime.block_on(timed(future.as_mut())));
        match waited {
            Some(result) => return result.map_err(|failure| errors::exception(py, &failure)),
            None => py.check_signals()?,
        }
    }
}

/// The result of a future; `None` if it takes longer.
async fn timed<T>(future: impl Future<Output = Result<T, Failure>>) -> Option<Result<T>> {
    timeout(LOOK_FOR_SIGNALS, future).await.ok()
}
