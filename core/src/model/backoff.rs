//! Retries of optimistic updates.

use std::fmt;
use std::time::Duration;

use crate::model::environment::Environment;

/// The most attempts of an update.
const MOST_ATTEMPTS: u32 = 32;

/// The bound of the first pause; each later bound is twice the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// The attempts of an optimistic update: read, compute, compare-and-set, and again after a lost race.
///
/// A lost race means that another writer made progress, so the second attempt follows at once. Before
/// each later attempt there is a pause, so that writers in several processes do not stay in step. Its
/// length is random below a bound that doubles from 1 ms to 64 ms ("full jitter":
/// <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>). After 32
/// attempts, and 1.6 s of pauses at most, the update fails, and the caller reports that others write
/// all the time.
///
/// ```
/// # use argon_core::{Backoff, Environment, Error, Result};
/// # async fn try_once() -> Result<bool> { Ok(true) }
/// async fn update(environment: &Environment) -> Result<()> {
///     let mut backoff = Backoff::new(environment);
///     while backoff.attempt().await {
///         if try_once().await? {
///             return Ok(());
///         }
///     }
///     Err(Error::conflict("the record changed on every attempt; try again later"))
/// }
/// ```
pub struct Backoff<'a> {
    environment: &'a Environment,
    most: u32,
    begun: u32,
}

impl<'a> Backoff<'a> {
    /// No attempt is begun.
    pub fn new(environment: &'a Environment) -> Self {
        Self { environment, most: MOST_ATTEMPTS, begun: 0 }
    }

    /// Limits the attempts further, for an update whose attempts are expensive.
    #[must_use]
    pub fn at_most(self, attempts: u32) -> Self {
        Self { most: attempts, ..self }
    }

    /// Waits and begins the next attempt; false after the last one.
    pub async fn attempt(&mut self) -> bool {
        match self.next_pause() {
            Some(Duration::ZERO) => true,
            Some(pause) => {
                // A blocking thread sleeps, because the runtime of a program need not have a timer.
                // It only fails while the runtime ends, which the attempt itself reports.
                let _ = tokio::task::spawn_blocking(move || std::thread::sleep(pause)).await;
                true
            }
            None => false,
        }
    }

    /// Begins the next attempt, for a caller that waits by itself: the pause before it, or `None`
    /// after the last one.
    pub fn next_pause(&mut self) -> Option<Duration> {
        if self.begun == self.most {
            return None;
        }
        self.begun += 1;
        let Some(doublings) = self.begun.checked_sub(3) else { return Some(Duration::ZERO) };
        let bound = FIRST_PAUSE.saturating_mul(1 << doublings.min(16)).min(LONGEST_PAUSE);
        let drawn = f64::from(u32::from_le_bytes(self.environment.random())) / f64::from(u32::MAX);
        Some(bound.mul_f64(drawn))
    }
}

impl fmt::Debug for Backoff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff").field("begun", &self.begun).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::environment::{Clock, Ids};

    struct Fixed(u8);

    impl Clock for Fixed {
        fn now(&self) -> bson::DateTime {
            bson::DateTime::from_millis(0)
        }
    }

    impl Ids for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn pauses(drawn: u8) -> Vec<u128> {
        let environment = Environment::new(Arc::new(Fixed(0)), Arc::new(Fixed(drawn)));
        let mut backoff = Backoff::new(&environment);
        std::iter::from_fn(|| backoff.next_pause()).map(|pause| pause.as_millis()).collect()
    }

    #[test]
    fn the_first_retry_follows_at_once_and_later_pauses_double_up_to_a_bound() {
        let longest = pauses(u8::MAX);
        assert_eq!(longest[..10], [0, 0, 1, 2, 4, 8, 16, 32, 64, 64]);
        assert_eq!((longest.len(), longest.iter().sum()), (32, 1_599));
        assert_eq!(pauses(0), [0; 32], "a pause is random below its bound");
    }

    #[tokio::test]
    async fn attempts_end() {
        let environment = Environment::new(Arc::new(Fixed(0)), Arc::new(Fixed(u8::MAX)));
        let mut backoff = Backoff::new(&environment).at_most(3);
        let mut begun = 0;
        while backoff.attempt().await {
            begun += 1;
        }
        assert_eq!(begun, 3);
    }
}
