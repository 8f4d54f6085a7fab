//! Work on one chunk in a task of its own.

use tokio::task::JoinHandle;

use crate::{Error, Result};

/// A task that progresses without being polled; dropping it aborts the task.
pub(super) struct ChunkTask<T>(JoinHandle<Result<T>>);

impl<T: Send + 'static> ChunkTask<T> {
    pub(super) fn spawn(work: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Waits for the result; `doing` completes "the task that … a chunk".
    pub(super) async fn join(mut self, doing: &str) -> Result<T> {
        (&mut self.0).await.map_err(|source| {
            Error::internal(format!("the task that {doing} a chunk crashed")).with_source(source)
        })?
    }
}

impl<T> Drop for ChunkTask<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
