//! Sandboxes: branches that end by themselves.

mod create;
mod discard;
mod extend;
mod keep;
mod list;
mod sweep;

use std::time::Duration;

use argon_core::{Environment, Error};

pub use self::create::{CreateSandbox, CreatedSandbox, create};
pub use self::discard::{DiscardSandbox, DiscardedSandbox, discard};
pub use self::extend::{ExtendSandbox, ExtendedSandbox, extend};
pub use self::keep::{KeepSandbox, KeptSandbox, keep};
pub use self::list::{ListSandboxes, ListedSandbox, list};
pub use self::sweep::{Outcome, SweepSandboxes, SweptSandbox, sweep};
use crate::{Failure, Hint, Result};

/// The end of the year 9999, after which a time can't be written: milliseconds since 1970.
const LAST_END: i64 = 253_402_300_799_999;

/// Refuses a life that nobody could write the end of.
///
/// # Errors
/// `Invalid` for an end after the year 9999.
pub fn check_ttl(ttl: Duration, environment: &Environment) -> Result {
    let now = environment.now().timestamp_millis();
    let end = i64::try_from(ttl.as_millis()).ok().and_then(|ttl| now.checked_add(ttl));
    if end.is_some_and(|end| end <= LAST_END) {
        return Ok(());
    }
    let error = Error::invalid("a sandbox must end before the year 10000");
    Err(Failure::from(error).hint(Hint::BranchWithoutEnd))
}
