//! The inputs that core does not take from the machine: time and randomness.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bson::DateTime;
use bson::oid::ObjectId;

use crate::model::metrics::{Metric, Metrics};
use crate::model::{Nonce, ProjectId, TimelineId};

/// The maximum difference between the machine's clock and a server's before the server's applies.
pub const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);

/// A source of time.
pub trait Clock: Send + Sync {
    /// The current time, in milliseconds UTC. It may jump either way; Argon keeps the times of a
    /// timeline in order.
    fn now(&self) -> DateTime;

    /// The time since an arbitrary moment, for measuring durations; it never decreases. The default
    /// measures no durations, and [`now`](Clock::now) is then not called more often than the log
    /// requires.
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether this is a machine's clock, which may be wrong: then the clock of a store's server
    /// has precedence (see [`Environment::heed`]).
    fn is_of_machine(&self) -> bool {
        false
    }
}

/// A source of random bytes for identifiers.
pub trait Ids: Send + Sync {
    /// Fills `bytes` with bytes that no other caller anywhere gets.
    fn fill(&self, bytes: &mut [u8]);
}

/// A clock, a source of identifiers and a place for metrics. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    object_ids: Arc<ObjectIds>,
    metrics: Arc<Metrics>,
    /// The time of a server, while the machine's clock differs from it.
    server_time: Arc<RwLock<Option<Reading>>>,
    /// The machine's clock when this was created, or when a server last agreed; `None` for another
    /// clock.
    began: Arc<RwLock<Option<Reading>>>,
}

/// The value of a clock at an elapsed time.
#[derive(Clone, Copy)]
struct Reading {
    millis: i64,
    elapsed: Duration,
}

impl Reading {
    fn of(clock: &dyn Clock) -> Self {
        Self { millis: clock.now().timestamp_millis(), elapsed: clock.elapsed() }
    }

    /// The value of the clock at a later elapsed time, if it is not set.
    fn at(self, elapsed: Duration) -> DateTime {
        let since = elapsed.saturating_sub(self.elapsed).as_millis();
        let since = i64::try_from(since).unwrap_or(i64::MAX);
        DateTime::from_millis(self.millis.saturating_add(since))
    }
}

/// The process's part of MongoDB's `ObjectId`s, and their counter.
struct ObjectIds {
    process: [u8; 5],
    counter: AtomicU32,
}

impl Environment {
    /// Creates an environment of these two.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let mut process = [0; 5];
        ids.fill(&mut process);
        let object_ids = Arc::new(ObjectIds { process, counter: AtomicU32::new(0) });
        let (metrics, server_time) = (Arc::default(), Arc::default());
        let began = clock.is_of_machine().then(|| Reading::of(&*clock));
        let began = Arc::new(RwLock::new(began));
        Self { clock, ids, object_ids, metrics, server_time, began }
    }

    /// The current time, in milliseconds UTC: the machine's, or that of a store's server if the
    /// machine's clock differs from it.
    pub fn now(&self) -> DateTime {
        self.server_time().map_or_else(|| self.clock.now(), |server| server.at(self.elapsed()))
    }

    /// The earliest possible time: [`now`](Self::now), or the time if the machine's clock had not
    /// been set forward since this process began. A lease or a retention period that is over then
    /// is really over. A machine that slept counts as one whose clock was set forward.
    pub fn earliest(&self) -> DateTime {
        self.measured().map_or_else(|| self.now(), |measured| measured.min(self.now()))
    }

    /// The latest possible time: [`now`](Self::now), or the time if the machine's clock had not
    /// been set back since this process began. A lease that begins then has its full duration.
    pub fn latest(&self) -> DateTime {
        self.measured().map_or_else(|| self.now(), |measured| measured.max(self.now()))
    }

    /// The machine's clock if it had not been set; `None` for another clock.
    fn measured(&self) -> Option<DateTime> {
        if self.server_time().is_some() {
            return None;
        }
        let began = *self.began.read().unwrap_or_else(PoisonError::into_inner);
        began.map(|began| began.at(self.elapsed()))
    }

    fn server_time(&self) -> Option<Reading> {
        *self.server_time.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of the clock itself, right or wrong.
    pub fn clock_time(&self) -> DateTime {
        self.clock.now()
    }

    /// Whether the clock of a store's server has precedence over this one.
    pub fn heeds_servers(&self) -> bool {
        self.clock.is_of_machine()
    }

    /// Records that the clock of a server is `ahead` milliseconds ahead of the machine's, negative
    /// if it is behind. If the difference exceeds [`CLOCK_TOLERANCE`], the server's time applies
    /// from now on, for all clones: decisions by time (garbage collection, expiry of leases) must
    /// not depend on the machine. Returns whether it applies.
    pub fn heed(&self, ahead: i64) -> bool {
        if !self.clock.is_of_machine() {
            return false;
        }
        let is_off = u128::from(ahead.unsigned_abs()) > CLOCK_TOLERANCE.as_millis();
        let shown = Reading::of(&*self.clock);
        if !is_off {
            *self.began.write().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        }
        let millis = shown.millis.saturating_add(ahead);
        let time = is_off.then_some(Reading { millis, ..shown });
        *self.server_time.write().unwrap_or_else(PoisonError::into_inner) = time;
        is_off
    }

    /// The time since an arbitrary moment, for measuring durations.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// The counters of this process, shared by clones.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Counts and times a call, whatever its result.
    pub async fn timed<T>(&self, metric: Metric, call: impl Future<Output = T>) -> T {
        let begun = self.elapsed();
        let answer = call.await;
        self.metrics.time(metric, self.elapsed().saturating_sub(begun));
        answer
    }

    /// Creates an `ObjectId`, larger than earlier ones of the same process unless the clock goes
    /// back.
    pub fn object_id(&self) -> ObjectId {
        let seconds = self.now().timestamp_millis() / 1000;
        let counter = self.object_ids.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // An ObjectId has 32 bits of seconds; it wraps in 2106, like MongoDB's.
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    /// A clock that shows a time and has run for as long as it was moved.
    struct SetClock {
        shows: AtomicI64,
        ran: AtomicI64,
        is_of_machine: bool,
    }

    impl Clock for SetClock {
        fn now(&self) -> DateTime {
            DateTime::from_millis(self.shows.load(Ordering::Relaxed))
        }

        fn elapsed(&self) -> Duration {
            Duration::from_millis(self.ran.load(Ordering::Relaxed).unsigned_abs())
        }

        fn is_of_machine(&self) -> bool {
            self.is_of_machine
        }
    }

    struct NoIds;

    impl Ids for NoIds {
        fn fill(&self, _: &mut [u8]) {}
    }

    const YEAR: i64 = 365 * 24 * 3_600_000;

    fn environment(is_of_machine: bool) -> (Arc<SetClock>, Environment) {
        let (shows, ran) = (AtomicI64::new(3 * YEAR), AtomicI64::new(5));
        let clock = Arc::new(SetClock { shows, ran, is_of_machine });
        (clock.clone(), Environment::new(clock, Arc::new(NoIds)))
    }

    #[test]
    fn a_machine_that_is_a_year_off_takes_the_servers_time_until_it_agrees() {
        let (clock, environment) = environment(true);
        let millis = || environment.now().timestamp_millis();
        for ahead in [-YEAR, YEAR, i64::MIN, i64::MAX] {
            assert!(environment.clone().heed(ahead));
            assert_eq!(millis(), (3 * YEAR).saturating_add(ahead), "all clones share it");
        }
        environment.heed(-YEAR);
        clock.ran.fetch_add(1_000, Ordering::Relaxed);
        assert_eq!(millis(), 2 * YEAR + 1_000, "it goes on");
        clock.shows.store(2 * YEAR + 1_000, Ordering::Relaxed);
        assert_eq!(millis(), 2 * YEAR + 1_000, "a clock that is set meanwhile does not count");
        assert!(!environment.heed(-60_000), "what is left open by the way there and back");
        assert_eq!(millis(), clock.now().timestamp_millis());
    }

    #[test]
    fn a_clock_that_is_set_while_the_process_runs_neither_ends_nor_shortens_what_lives_for_a_time()
    {
        let (clock, environment) = environment(true);
        let bounds =
            || [environment.earliest(), environment.latest()].map(DateTime::timestamp_millis);
        assert_eq!(bounds(), [3 * YEAR; 2]);
        clock.ran.fetch_add(1_000, Ordering::Relaxed);
        clock.shows.store(5 * YEAR, Ordering::Relaxed);
        assert_eq!(bounds(), [3 * YEAR + 1_000, 5 * YEAR], "set forward");
        assert_eq!(environment.now().timestamp_millis(), 5 * YEAR);
        clock.shows.store(YEAR, Ordering::Relaxed);
        assert_eq!(bounds(), [YEAR, 3 * YEAR + 1_000], "set back");
        environment.heed(0);
        assert_eq!(bounds(), [YEAR; 2], "a server agrees");
        environment.heed(YEAR);
        clock.shows.store(5 * YEAR, Ordering::Relaxed);
        assert_eq!(bounds(), [2 * YEAR; 2], "the server's time goes on as it is measured");
    }

    #[test]
    fn a_clock_that_a_program_hands_in_is_taken_as_it_is() {
        let (clock, environment) = environment(false);
        assert!(!environment.heed(YEAR));
        assert_eq!(environment.now(), environment.clock_time());
        clock.shows.store(5 * YEAR, Ordering::Relaxed);
        assert_eq!([environment.earliest(), environment.latest()], [environment.now(); 2]);
    }
}
