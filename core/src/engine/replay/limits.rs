//! The memory limits of reads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory that a [`LogMaterializer`](crate::LogMaterializer) may keep between reads, in bytes
/// of decoded content with its overhead. Running reads use more: each at most the limit `log`
/// again, and a scan three chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayLimits {
    /// For commits above snapshots. A view with more above its snapshot is read by passes over the
    /// log. As many bytes again are for the keys of the changes that this process appended.
    pub log: usize,
    /// For chunks of snapshots.
    pub chunks: usize,
    /// For manifests.
    pub manifests: usize,
}

impl Default for ReplayLimits {
    /// 64 MiB of log: a policy with a snapshot every thousand commits of some dozen KiB leaves that
    /// much above it. 64 MiB of chunks: some thirty, each with the neighbourhood of a document that
    /// is read. 16 MiB of manifests: a chunk's entry takes some 150 bytes, so they describe 100
    /// GiB.
    fn default() -> Self {
        Self { log: 64 << 20, chunks: 64 << 20, manifests: 16 << 20 }
    }
}

/// The remainder of a limit during one read.
pub(super) struct Room {
    of: usize,
    left: AtomicUsize,
}

impl Room {
    pub(super) fn new(of: usize) -> Self {
        Self { of, left: AtomicUsize::new(of) }
    }

    /// The initial amount.
    pub(super) fn of(&self) -> usize {
        self.of
    }

    /// Reserves bytes; returns false if not enough are left.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}
