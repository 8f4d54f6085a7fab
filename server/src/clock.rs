//! The logical time of the server: `operationTime` and `$clusterTime`.

use std::sync::{Mutex, PoisonError};

use argon_core::Environment;
use bson::{DateTime, Timestamp};

/// The counter of a timestamp has the milliseconds, times this, and a number within them.
const PER_MILLISECOND: u32 = 1_000_000;

/// Gives timestamps that only grow: the seconds of the clock, and a counter within them that says the
/// milliseconds too. So a timestamp can be compared with the times of commits.
#[derive(Debug)]
pub(crate) struct ClusterClock {
    last: Mutex<Timestamp>,
}

impl ClusterClock {
    pub(crate) fn new() -> Self {
        Self { last: Mutex::new(Timestamp { time: 0, increment: 0 }) }
    }

    /// A new time, later than all before.
    pub(crate) fn tick(&self, environment: &Environment) -> Timestamp {
        let now = timestamp(environment.now(), 1);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = if now > *last {
            now
        } else {
            Timestamp { increment: last.increment.saturating_add(1), ..*last }
        };
        *last
    }

    /// Goes on to a time, if it is later.
    pub(crate) fn reach(&self, time: Timestamp) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = time.max(*last);
    }

    /// The latest time that was given.
    pub(crate) fn latest(&self, environment: &Environment) -> Timestamp {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.time == 0 { self.tick(environment) } else { last }
    }
}

/// The timestamp of a moment; `number` distinguishes those of the same millisecond.
pub(crate) fn timestamp(moment: DateTime, number: u64) -> Timestamp {
    let millis = moment.timestamp_millis().max(0);
    let time = u32::try_from(millis / 1000).unwrap_or(u32::MAX);
    let within = u32::try_from(millis % 1000).unwrap_or(0) * PER_MILLISECOND;
    let number = u32::try_from(number % u64::from(PER_MILLISECOND)).unwrap_or(0);
    Timestamp { time, increment: within + number }
}

/// The moment of a timestamp. One of another server, with a small counter, is the begin of its second.
pub(crate) fn moment(timestamp: Timestamp) -> DateTime {
    let within = (timestamp.increment / PER_MILLISECOND).min(999);
    DateTime::from_millis(i64::from(timestamp.time) * 1000 + i64::from(within))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_tells_its_millisecond() {
        for millis in [0, 1, 999, 1000, 1_783_000_123_456, 4_294_967_295_999] {
            let now = DateTime::from_millis(millis);
            assert_eq!(moment(timestamp(now, 7)), now);
            assert_eq!(moment(timestamp(now, 5_999_999)), now);
        }
        let [early, late] = [1, 2].map(|millis| timestamp(DateTime::from_millis(millis), 9));
        assert!(early < late);
    }
}
