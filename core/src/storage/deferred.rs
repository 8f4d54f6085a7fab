//! Work that follows acknowledged writes.

use async_trait::async_trait;
use bson::DateTime;

use crate::Result;
use crate::model::TimelineId;

/// A queue of work that follows acknowledged writes. An acknowledged write is durable and readable
/// before the work is done; the work packs it.
#[async_trait]
pub trait DeferredWork: Send + Sync {
    /// Counts the queue, and the workers of this process.
    async fn backlog(&self) -> Result<Backlog>;

    /// Counts the objects into which commits of a timeline are packed.
    async fn compression(&self, timeline: TimelineId) -> Result<Compression>;

    /// Does the work for all writes that were acknowledged before the call, and waits for the part
    /// that other processes do.
    ///
    /// # Errors
    /// `Unavailable` when a job failed, or when another process does not end its job.
    async fn flush(&self) -> Result<()>;

    /// Ends running work at a point from which another process can continue, and starts no more
    /// until the next write. A process calls it before it ends.
    async fn quiesce(&self);
}

/// The objects into which commits of a timeline are packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compression {
    /// The number of objects.
    pub objects: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Bytes after compression.
    pub stored_bytes: u64,
}

impl Compression {
    /// The ratio of bytes before compression to bytes after.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    pub fn ratio(&self) -> f64 {
        self.raw_bytes as f64 / self.stored_bytes.max(1) as f64
    }
}

/// Counts of a queue and of the workers of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that wait, including those that wait for a retry.
    pub waiting: u64,
    /// Jobs that run, in any process.
    pub running: u64,
    /// Jobs that failed after all retries; they stay until they are retried or purged.
    pub dead: u64,
    /// The creation time of the oldest job that waits or runs.
    pub oldest: Option<DateTime>,
    /// The workers of this process.
    pub workers: u32,
    /// Workers of this process that have a job.
    pub busy: u32,
}
