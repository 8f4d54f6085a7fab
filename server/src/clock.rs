//! The logical time of the server: `operationTime` and `$clusterTime`.

use std::sync::{Mutex, PoisonError};

use argon_core::Environment;
use bson::Timestamp;

/// Gives timestamps that only grow: the seconds of the clock, and a counter within them.
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
        let seconds = environment.now().timestamp_millis() / 1000;
        let time = u32::try_from(seconds).unwrap_or(u32::MAX);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = if time > last.time {
            Timestamp { time, increment: 1 }
        } else {
            Timestamp { increment: last.increment.saturating_add(1), ..*last }
        };
        *last
    }

    /// The latest time that was given.
    pub(crate) fn latest(&self, environment: &Environment) -> Timestamp {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.time == 0 { self.tick(environment) } else { last }
    }
}
