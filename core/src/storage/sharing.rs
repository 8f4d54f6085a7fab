//! A store that one process has open, and that others use through it.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::model::Point;

/// What the process that has a store open and its users tell each other beyond the traits of storage.
#[derive(Default)]
pub struct Sharing {
    /// Notified after each write of another process.
    pub writes: Arc<Notify>,
    open: OnceLock<Box<dyn Fn() -> Vec<Point> + Send + Sync>>,
}

impl Sharing {
    /// The states that the process which has the store has open.
    pub fn open_states(&self) -> Vec<Point> {
        self.open.get().map(|open| open()).unwrap_or_default()
    }

    /// Says which states are open. The first call counts.
    pub(crate) fn set_open_states(&self, open: impl Fn() -> Vec<Point> + Send + Sync + 'static) {
        let _ = self.open.set(Box::new(open));
    }
}
