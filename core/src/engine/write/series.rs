//! Requests of which later ones stand only on earlier ones that were committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// Requests that are committed in turn: after the first that is refused or fails, none is committed.
/// Clones are the same series.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(Arc<AtomicBool>);

impl Series {
    /// Ends the series for good.
    pub(super) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The answer to the requests after the one that ended their series.
pub(super) fn ended() -> Error {
    Error::conflict("an earlier request of the same series was not committed")
}
