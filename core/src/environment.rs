//! What the core is handed instead of asking the machine: time and randomness.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bson::DateTime;
use bson::oid::ObjectId;

use crate::metrics::{Metric, Metrics};
use crate::model::{Nonce, ProjectId, TimelineId};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds UTC. It may jump either way; Argon keeps a timeline's times in order.
    fn now(&self) -> DateTime;

    /// The time since some moment, to measure how long something takes; it never goes back. Without
    /// it nothing seems to take any time, and [`now`](Clock::now) is not asked more often than the
    /// log needs.
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// A source of random bytes for identifiers.
pub trait Ids: Send + Sync {
    /// Fills `bytes` with bytes that no other caller anywhere will get.
    fn fill(&self, bytes: &mut [u8]);
}

/// A clock, a source of identifiers and a place for metrics. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    object_ids: Arc<ObjectIds>,
    metrics: Arc<Metrics>,
}

/// The process's part of MongoDB's `ObjectId`s, and their counter.
struct ObjectIds {
    process: [u8; 5],
    counter: AtomicU32,
}

impl Environment {
    /// An environment of these two.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let mut process = [0; 5];
        ids.fill(&mut process);
        let object_ids = Arc::new(ObjectIds { process, counter: AtomicU32::new(0) });
        Self { clock, ids, object_ids, metrics: Arc::default() }
    }

    /// Now, in milliseconds UTC.
    pub fn now(&self) -> DateTime {
        self.clock.now()
    }

    /// The time since some moment, to measure how long something takes.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// What this process counts; clones count together.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Counts and times a call, whatever comes of it.
    pub async fn timed<T>(&self, metric: Metric, call: impl Future<Output = T>) -> T {
        let begun = self.elapsed();
        let answer = call.await;
        self.metrics.time(metric, self.elapsed().saturating_sub(begun));
        answer
    }

    /// A new `ObjectId`, larger than those made before in the same process while the clock does
    /// not go back.
    pub fn object_id(&self) -> ObjectId {
        let seconds = self.now().timestamp_millis() / 1000;
        let counter = self.object_ids.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // An ObjectId has room for 32 bits of seconds; it wraps in 2106, as MongoDB's do.
        let seconds = u32::try_from(seconds & 0xffff_ffff).unwrap_or_default();
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&self.object_ids.process);
        bytes[9..].copy_from_slice(&counter[1..]);
        ObjectId::from_bytes(bytes)
    }

    pub(crate) fn timeline_id(&self) -> TimelineId {
        TimelineId::from_bytes(self.random())
    }

    pub(crate) fn project_id(&self) -> ProjectId {
        ProjectId::from_bytes(self.random())
    }

    pub(crate) fn nonce(&self) -> Nonce {
        Nonce(u32::from_le_bytes(self.random()))
    }

    /// Random bytes for an identifier.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.ids.fill(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("now", &self.now()).finish_non_exhaustive()
    }
}
