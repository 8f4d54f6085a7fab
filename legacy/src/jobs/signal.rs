//! The signal that wakes the workers of a process.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Wakes workers when a job may have become due.
#[derive(Default)]
pub(crate) struct WorkSignal {
    /// Whether workers take no jobs until one is added.
    resting: AtomicBool,
    wake: Notify,
}

impl WorkSignal {
    /// Ends a rest, and wakes one worker.
    pub(crate) fn job_added(&self) {
        self.resting.store(false, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub(crate) fn wake_one(&self) {
        self.wake.notify_one();
    }

    pub(crate) fn wake_all(&self) {
        self.wake.notify_waiters();
    }

    /// Waits until this worker is woken.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Stops workers from taking jobs until one is added.
    pub(crate) fn rest(&self) {
        self.resting.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Relaxed)
    }
}
