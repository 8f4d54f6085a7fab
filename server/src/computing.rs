//! Commands that compute: they don't hold up the threads that serve the other connections.

use std::future::poll_fn;
use std::pin::pin;

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::AbortOnDrop;

/// Runs work in a task of its own, on a thread that the runtime does without meanwhile. The task ends with this
/// future, where the work waits. `None` if the runtime ends.
///
/// On a runtime of one thread, work that computes holds up everything.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let mut task = AbortOnDrop(tokio::spawn(computing(work)));
    (&mut task.0).await.ok()
}

/// Runs work on a thread that the runtime does without meanwhile. Within [`aside`], that is so already.
pub(crate) async fn computing<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let has_others = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    poll_fn(|context| {
        if has_others {
            tokio::task::block_in_place(|| work.as_mut().poll(context))
        } else {
            work.as_mut().poll(context)
        }
    })
    .await
}
