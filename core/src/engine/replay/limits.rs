//! How much memory reads may keep.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much memory a [`LogMaterializer`](crate::LogMaterializer) keeps between reads, in bytes of
/// decoded content with what the structures around it take. Reads that are under way hold more:
/// each at most as much log again as `log`, and a scan three chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayLimits {
    /// For commits above snapshots. A view with more than this above its snapshot is read by passes
    /// over the log.
    pub log: usize,
    /// For chunks of snapshots.
    pub chunks: usize,
    /// For manifests.
    pub manifests: usize,
}

impl Default for ReplayLimits {
    /// 64 MiB of log: what a policy of a snapshot every thousand commits of some dozen KiB leaves
    /// above it. 64 MiB of chunks: some thirty, each of them the neighbourhood of a document that
    /// is read. 16 MiB of manifests: a chunk's entry takes some 150 bytes, so they describe 100 GiB.
    fn default() -> Self {
        Self { log: 64 << 20, chunks: 64 << 20, manifests: 16 << 20 }
    }
}

/// What is left of a limit for one read.
pub(super) struct Room {
    of: usize,
    left: AtomicUsize,
}

impl Room {
    pub(super) fn new(of: usize) -> Self {
        Self { of, left: AtomicUsize::new(of) }
    }

    /// What there was at first.
    pub(super) fn of(&self) -> usize {
        self.of
    }

    /// Takes so much of it; whether there was so much.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}
