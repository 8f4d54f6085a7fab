//! How long the knowledge of a head is valid.
//!
//! An append is a write on condition that its name is free, so it is safe only if a used name never becomes
//! free for a writer. Compaction does free names: it copies many segments into a pack, and later removes
//! them. A writer with an old head would then find the next name free, and use it. Time prevents this:
//!
//! 1. A pack is written while all segments that it covers exist. They are removed when the pack is older
//!    than the *grace time* (an hour), by the server's clock on both sides of the comparison. The newest
//!    segment of a timeline is never removed.
//! 2. A writer notes the time before it reads the head, which is valid then or later. It sends and repeats
//!    an append only within a quarter of the grace time after that; else it reads the head again. It uses
//!    the larger age of the monotonic clock and the wall clock, as the first may stand still while the
//!    machine sleeps, and distrusts a wall clock that went back.
//! 3. So if the name was used and freed after the writer read the head, its append has at least three
//!    quarters of the grace time to arrive before the name is free. An attempt ends after less than a
//!    minute and a second for each 256 KiB. (Amazon refuses a request that was signed more than 15 minutes
//!    ago, so even a request that the network held back arrives too late to do harm.)
//! 4. An append that is answered later than half of the grace time after its writer read the head, as on
//!    a machine that slept in between, is checked again: if a pack covers its position and does not hold
//!    it, the object is removed and the append is lost.
//!
//! Pruning (`prune.rs`) removes packs, and segments outside packs. The same argument holds:
//!
//! 5. A segment is removed only when it is older than the grace time itself, by the server's clock. A
//!    writer without knowledge of it read the head before it was written, and so more than a grace time
//!    ago. The newest segment is never removed. The names of packs are never appended to.
//! 6. The mark of the floor exists before the first removal. An append that is checked again (4), and whose
//!    position no pack covers, is removed if its position is at or below the floor.
//! 7. Dropping a timeline frees all of its names. No ref leads to such a timeline, and it is sealed; only
//!    a writer that read the head before the seal may still append. So a timeline sealed within the grace
//!    time stays until a later collection. A writer that reads the head afterwards finds no segment, and
//!    writes at most the first commit of a timeline.
//!
//! Readers use packs before segments, and ignore segments that begin inside a pack. They list both at
//! once. If that shows a gap, which takes a listing that lasted a grace time, they list the packs again
//! after the segments, which can't show one. So no reader uses an append that arrived too late, even if
//! its writer crashed before it removed it; nor, unless it was asked for, the log below the floor.

use std::time::Duration;

use argon_core::Environment;
use bson::DateTime;
use tokio::time::Instant;

/// A time by the monotonic and the wall clock.
#[derive(Debug, Clone, Copy)]
pub(in crate::s3) struct Moment {
    monotonic: Instant,
    wall: DateTime,
}

/// The deadlines that follow from a grace time.
#[derive(Debug, Clone)]
pub(in crate::s3) struct Fence {
    environment: Environment,
    grace: Duration,
}

impl Fence {
    pub(in crate::s3) fn new(environment: &Environment, grace: Duration) -> Self {
        Self { environment: environment.clone(), grace }
    }

    pub(in crate::s3) fn now(&self) -> Moment {
        Moment { monotonic: Instant::now(), wall: self.environment.clock_time() }
    }

    /// Whether an append may be sent with the head that was read at `asked`.
    pub(in crate::s3) fn may_send(&self, asked: Moment) -> bool {
        self.age(asked).is_some_and(|age| age <= self.grace / 4)
    }

    /// Whether an append with the head that was read at `asked`, answered just now, arrived in time for
    /// sure.
    pub(super) fn was_in_time(&self, asked: Moment) -> bool {
        self.age(asked).is_some_and(|age| age <= self.grace / 2)
    }

    /// The age of a moment; `None` if the wall clock went back.
    fn age(&self, asked: Moment) -> Option<Duration> {
        let wall = self.environment.clock_time().timestamp_millis() - asked.wall.timestamp_millis();
        let wall = Duration::from_millis(u64::try_from(wall).ok()?);
        Some(wall.max(asked.monotonic.elapsed()))
    }
}

impl Moment {
    /// Whether this moment is not before another.
    pub(super) fn is_after(self, other: Moment) -> bool {
        self.monotonic >= other.monotonic
    }
}
