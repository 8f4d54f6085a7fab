//! The retry policy.

use std::future::Future;
use std::time::Duration;

use argon_core::{Environment, Result};

use super::connection::Connection;
use super::failure::Failure;

/// The attempts of a request whose answer may be lost. A request to a server that stalls fails after
/// half a minute, so a caller gets an error within some minutes.
pub(super) const ATTEMPTS: u32 = 4;

/// The attempts of a transaction that conflicts with others. The pauses between grow to
/// [`LONGEST_WAIT`] and take some 75 seconds together: longer than the 60 for which a server keeps the
/// transaction of a client that crashed.
const CONFLICTS: u32 = 600;
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// How often the connection may break before the commit of a transaction is requested.
const BREAKS: u32 = 3;

/// Sends a write that is harmless to repeat until its outcome is known.
///
/// # Errors
/// A definite error at once; after [`ATTEMPTS`], the last one.
pub(super) async fn until_known<T, F>(
    server: &Connection,
    mut write: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        match write().await {
            Ok(done) => return Ok(done),
            Err(Failure::Definite(error)) => return Err(error),
            Err(failure) if left == 0 => return Err(failure.into_error()),
            Err(_) => server.count_retry(),
        }
    }
}

/// The attempts of a transaction that other transactions conflict with.
#[derive(Default)]
pub(super) struct Backoff {
    conflicts: u32,
    breaks: u32,
}

impl Backoff {
    /// Counts an attempt that was aborted, `is_break` if because the connection broke. Then pauses for
    /// a random time, whose maximum doubles with each attempt; false, without a pause, after the last
    /// attempt.
    pub(super) async fn wait(&mut self, is_break: bool, environment: &Environment) -> bool {
        self.conflicts += 1;
        self.breaks += u32::from(is_break);
        if self.conflicts > CONFLICTS || self.breaks > BREAKS {
            return false;
        }
        let most = Duration::from_millis(1 << self.conflicts.min(10)).min(LONGEST_WAIT);
        let random = u32::from(u16::from_le_bytes(environment.random()));
        tokio::time::sleep(most * random / u32::from(u16::MAX)).await;
        true
    }
}
