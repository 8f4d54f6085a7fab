//! What happens to all stores of the process before a fork, and at its end.

use pyo3::prelude::*;

use crate::runtime::{connections, wait};

/// Lets go the stores that nobody uses: a child would keep their locks, even when this process lets them go. Returns the
/// directories of those that stay open.
#[pyfunction]
pub(crate) fn release_before_fork(py: Python<'_>) -> PyResult<Vec<String>> {
    let all = connections();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    wait(py, async move {
        let mut left = Vec::new();
        for connection in all {
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
    let all = connections();
    if all.is_empty() {
        return Ok(());
    }
    wait(py, async move {
        for connection in all {
            connection.close().await;
        }
        Ok(())
    })
}
