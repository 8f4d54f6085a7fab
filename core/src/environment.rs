//! What the core is handed instead of asking the machine: time and randomness.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bson::DateTime;
use bson::oid::ObjectId;

use crate::model::{Nonce, ProjectId, TimelineId};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds UTC. It may jump either way; Argon keeps a timeline's times in order.
    fn now(&self) -> DateTime;
}

/// A source of random bytes for identifiers.
pub trait Ids: Send + Sync {
    /// Fills `bytes` with bytes that no other caller anywhere will get.
    fn fill(&self, bytes: &mut [u8]);
}

/// A clock and a source of identifiers. Cheap to clone; clones share both.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    object_ids: Arc<ObjectIds>,
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
        Self { clock, ids, object_ids }
    }

    /// Now, in milliseconds UTC.
    pub fn now(&self) -> DateTime {
        self.clock.now()
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
