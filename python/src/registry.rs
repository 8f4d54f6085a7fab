//! The connections of the process, for its forks and its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use pyo3::prelude::*;

use crate::connection::Connection;
use crate::runtime::wait;

/// All connections that were made, also by the processes of which this one was forked.
static CONNECTIONS: Mutex<Vec<Weak<Connection>>> = Mutex::new(Vec::new());

/// Adds a connection.
pub(crate) fn add(connection: &Arc<Connection>) {
    let mut connections = all();
    connections.retain(|known| known.strong_count() > 0);
    connections.push(Arc::downgrade(connection));
}

/// Lets go the stores that nobody uses: a child would keep their locks, even when this process lets them go. Returns the
/// directories of those that stay open.
#[pyfunction]
pub(crate) fn release_before_fork(py: Python<'_>) -> PyResult<Vec<String>> {
    let connections = of_this_process();
    if connections.is_empty() {
        return Ok(Vec::new());
    }
    wait(py, async move {
        let mut left = Vec::new();
        for connection in connections {
            let is_let_go = !connection.is_held() && connection.release().await;
            if !is_let_go && connection.is_open() {
                left.extend(connection.directory().map(|path| path.display().to_string()));
            }
        }
        Ok(left)
    })
}

/// Closes all stores: those that are closed need no repair when they are opened again.
#[pyfunction]
pub(crate) fn close_all(py: Python<'_>) -> PyResult<()> {
    let connections = of_this_process();
    if connections.is_empty() {
        return Ok(());
    }
    wait(py, async move {
        for connection in connections {
            connection.close().await;
        }
        Ok(())
    })
}

fn of_this_process() -> Vec<Arc<Connection>> {
    let connections = all().iter().filter_map(Weak::upgrade).collect::<Vec<_>>();
    connections.into_iter().filter(|connection| connection.check_process().is_ok()).collect()
}

fn all() -> MutexGuard<'static, Vec<Weak<Connection>>> {
    CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}
