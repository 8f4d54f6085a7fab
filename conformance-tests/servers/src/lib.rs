//! The servers that tests and benches of Argon need, on a machine with Debian and Rust and nothing
//! else. A test binary starts its own; none outlives it, even when it is killed.
//!
//! - [`MongoServer`]: a server of MongoDB's protocol (`SecantusDB`, on `WiredTiger`).
//! - [`S3Server`]: an S3 in memory (moto), whose conditional writes are atomic.
//! - [`StubS3`](stub_s3::StubS3): an S3 in this process, for what needs speed, or a server that misbehaves.
//! - [`FaultProxy`]: stands before either, counts requests, and loses those that it is told to lose.
//!
//! The first two are Python programs, installed on first use into `test-servers/` of the target
//! directory, as is what [`python_environment`] is asked for. `cargo run -p argon-test-servers --bin serve -- s3` starts one to play with.

mod mongo;
mod process;
mod proxy;
mod python;
mod s3;
pub mod stub_s3;
#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};

pub use mongo::MongoServer;
pub use proxy::{Counts, Direction, Fault, FaultProxy};
pub use python::environment as python_environment;
pub use s3::S3Server;

/// Why a server can't be had here, and what to do about it.
#[derive(Debug)]
pub struct Unavailable(String);

impl Unavailable {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl Display for Unavailable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

impl From<std::io::Error> for Unavailable {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// The server if it is there. Without it, says on stderr that the tests named so were skipped, and
/// why; under `CI=true` it panics, for there every test must run.
pub fn server_or_skip<S>(tests: &str, started: Result<S, Unavailable>) -> Option<S> {
    found_or_skip(tests, started, std::env::var("CI").is_ok_and(|ci| ci == "true"))
}

fn found_or_skip<S>(tests: &str, started: Result<S, Unavailable>, required: bool) -> Option<S> {
    match started {
        Ok(server) => Some(server),
        Err(reason) if required => panic!("{tests} can't run: {reason}"),
        Err(reason) => {
            eprintln!("{tests} were skipped: {reason}");
            None
        }
    }
}
