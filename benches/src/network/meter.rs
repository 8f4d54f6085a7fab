//! What an operation sends and gets, by the store's own counts.

use argon_core::Store;
use argon_core::storage::Traffic;

/// The counts of a store at one moment.
#[derive(Debug)]
pub struct Meter<'a> {
    store: &'a Store,
    before: Traffic,
}

/// What one operation took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Bytes of content sent.
    pub sent: u64,
    /// Bytes of content received.
    pub received: u64,
}

impl<'a> Meter<'a> {
    /// Begins to count.
    pub fn start(store: &'a Store) -> Self {
        Self { store, before: store.traffic().unwrap_or_default() }
    }

    /// What each of so many operations took since then.
    pub fn each(&self, operations: u64) -> Cost {
        let now = self.store.traffic().unwrap_or_default();
        let each = |now: u64, before: u64| (now - before) / operations.max(1);
        Cost {
            sent: each(now.sent, self.before.sent),
            received: each(now.received, self.before.received),
        }
    }
}
