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

    fn is_of_machine(&self) -> bool {
        true
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

/// Takes note of the clock of a server; says so if that counts from now on.
#[cfg(any(feature = "mongodb", feature = "s3"))]
pub(crate) fn heed(environment: &Environment, ahead: i64) {
    if environment.heed(ahead) {
        let seconds = ahead.unsigned_abs() / 1000;
        let side = if ahead < 0 { "ahead of" } else { "behind" };
        tracing::warn!(
            "this machine's clock is {seconds} s {side} the server's, whose time is taken instead; \
             set it, by NTP for one"
        );
    }
}
