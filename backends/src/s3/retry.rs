//! Repeats of a request: how often, and how long.

use std::future::Future;
use std::time::Duration;

use argon_core::Environment;
use argon_core::metrics::Metric;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument;

use crate::s3::failure::Failure;
use crate::s3::traffic::Meter;

/// The most attempts of one request.
const MOST_ATTEMPTS: u32 = 8;

/// The time of all attempts of a request without large content.
pub(super) const IN_ALL: Duration = Duration::from_mins(1);

/// The time of one attempt without large content.
const ONE: Duration = Duration::from_secs(20);

/// The slowest supported network, in bytes a second.
const SLOWEST: u64 = 256 * 1024;

/// The limit of the first pause, which doubles with each pause. A pause is random below its limit.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The attempts of one request: at most [`MOST_ATTEMPTS`] within [`IN_ALL`], with pauses of random
/// length between them ("full jitter": <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>).
pub(super) struct Retry {
    meter: Meter,
    environment: Environment,
    deadline: Instant,
    one: Duration,
    made: u32,
}

impl Retry {
    /// Attempts of a request that moves this many bytes. They have `in_all` together, and the time for the
    /// bytes.
    pub(super) fn new(
        meter: &Meter,
        environment: &Environment,
        in_all: Duration,
        bytes: u64,
    ) -> Self {
        let moving = Duration::from_secs(bytes / SLOWEST);
        Self {
            meter: meter.clone(),
            environment: environment.clone(),
            deadline: Instant::now() + in_all + moving,
            one: ONE.min(in_all) + moving,
            made: 0,
        }
    }

    /// Makes one attempt, within its time.
    pub(super) async fn one<T>(
        &mut self,
        what: &str,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.made += 1;
        let until = self.deadline.min(Instant::now() + self.one);
        let request = request.instrument(tracing::debug_span!("s3_request", what));
        let answer = self.environment.timed(Metric::Request, timeout_at(until, request)).await;
        answer.unwrap_or_else(|_| Err(Failure::timeout(what)))
    }

    /// Waits before the next attempt; `false` if no attempt is left.
    pub(super) async fn again(&mut self) -> bool {
        if self.made >= MOST_ATTEMPTS {
            return false;
        }
        let most = FIRST_PAUSE.saturating_mul(1 << self.made.min(16)).min(LONGEST_PAUSE);
        let drawn = f64::from(u32::from_le_bytes(self.environment.random())) / f64::from(u32::MAX);
        let pause = most.mul_f64(drawn);
        if Instant::now() + pause >= self.deadline {
            return false;
        }
        sleep(pause).await;
        self.meter.count_retry();
        true
    }
}
