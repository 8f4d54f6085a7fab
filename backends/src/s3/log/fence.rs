//! When what is known of a head may be built upon.
//!
//! An append is a write under a name on condition that no object has it, so its safety rests on names
//! that are never free again. Compaction does free names: it puts the commits of many segments into
//! a pack, and later removes the segments. A writer that knew the head from before would then find
//! the name that follows it free, and take it. What keeps this from happening is time:
//!
//! 1. A pack is written while all segments that it covers are there. They are removed when the pack
//!    is older than the *grace time* (an hour), by the server's clock on both sides of the
//!    comparison. The newest segment of a timeline is never removed.
//! 2. A writer notes the time before it asks for the head. All that it learns was true then or later.
//!    It sends an append, and repeats one, only within a quarter of the grace time of it; else it
//!    asks again. It takes the larger of what the monotonic clock and the wall clock say, as the
//!    first may stand still while the machine sleeps, and does not trust a wall clock that went back.
//! 3. So if the name was taken and freed after the writer asked, its append has at least three
//!    quarters of the grace time to arrive before the name is free. An attempt is cut off after less
//!    than a minute and a second for each 256 KiB. (Amazon refuses what was signed more than 15
//!    minutes ago, so even a request that was held up in the network comes too late to harm.)
//! 4. An append that was answered later than half of the grace time after its writer asked, which
//!    takes a machine that slept between two steps, is looked at once more: if a pack covers its
//!    place, and does not hold it, the object is removed again and the append is lost.
//!
//! Pruning (`prune.rs`) removes segments that no pack covers, and packs. The same argument holds:
//!
//! 5. A segment is removed only when it is older than the grace time itself, by the server's clock. A
//!    writer that does not know of it asked before it was written, and so more than a grace time ago.
//!    The newest segment is never removed. Packs have names of their own, which nobody waits for.
//! 6. The mark of the floor is there before the first removal. An append that is looked at once more
//!    (4), and whose place no pack covers, is taken back if its place is at or below the floor.
//! 7. Dropping a timeline frees all of its names. Nothing leads to such a timeline, and it is sealed;
//!    only a writer that asked before the seal may still come. So one that was sealed no longer ago
//!    than the grace time stays until a later collection. Who asks afterwards finds nothing, and
//!    writes at most the first commit of a timeline.
//!
//! Readers take packs before segments, and ignore segments that begin inside a pack. They list both
//! at once; if that shows a hole, which takes a listing that lasted a grace time, they list the packs
//! again after the segments, which can't. So an append that
//! came too late is never read, whether or not its writer lived to take it back; and of what is below
//! the floor nothing is, but by a reader that was asked for just that.

use std::time::Duration;

use argon_core::Environment;
use bson::DateTime;
use tokio::time::Instant;

/// A time by both clocks.
#[derive(Debug, Clone, Copy)]
pub(in crate::s3) struct Moment {
    monotonic: Instant,
    wall: DateTime,
}

/// What a grace time allows.
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

    /// Whether an append may be sent that rests on what was asked at `asked`.
    pub(in crate::s3) fn may_send(&self, asked: Moment) -> bool {
        self.age(asked).is_some_and(|age| age <= self.grace / 4)
    }

    /// Whether an append that rests on what was asked at `asked`, and was just answered, was surely
    /// in time.
    pub(super) fn was_in_time(&self, asked: Moment) -> bool {
        self.age(asked).is_some_and(|age| age <= self.grace / 2)
    }

    /// How long ago that was; `None` if the wall clock went back.
    fn age(&self, asked: Moment) -> Option<Duration> {
        let wall = self.environment.clock_time().timestamp_millis() - asked.wall.timestamp_millis();
        let wall = Duration::from_millis(u64::try_from(wall).ok()?);
        Some(wall.max(asked.monotonic.elapsed()))
    }
}

impl Moment {
    /// Whether this is not before another moment.
    pub(super) fn is_after(self, other: Moment) -> bool {
        self.monotonic >= other.monotonic
    }
}
