//! The machine's clock and randomness, for the core, which has none of its own.

use std::sync::Arc;

use argon_core::{Clock, Environment, Ids};
use bson::DateTime;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> DateTime {
        DateTime::now()
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
pub fn environment() -> Environment {
    Environment::new(Arc::new(SystemClock), Arc::new(SystemIds))
}
