//! The machine's clock and randomness, for the core, which has none of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use argon_core::{Clock, Environment, Ids};
use bson::DateTime;

struct SystemClock {
    started: Instant,
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> DateTime {
        DateTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    #[expect(clippy::expect_used, reason = "a system without randomness can't make identifiers")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// The clock and the randomness of this machine.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
pub fn environment() -> Environment {
    let started = Instant::now();
    Environment::new(Arc::new(SystemClock { started }), Arc::new(SystemIds))
}
