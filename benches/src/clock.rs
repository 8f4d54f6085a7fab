//! The stopwatch of the benches.

use std::time::{Duration, Instant};

use crate::Result;

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::disallowed_methods, reason = "a bench measures the machine it runs on")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long `work` takes if it succeeds.
pub async fn time_of<T>(work: impl Future<Output = Result<T>>) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    work.await?;
    Ok(stopwatch.elapsed())
}

/// How long `work` takes, and what it gives.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let stopwatch = Stopwatch::start();
    let done = work();
    (stopwatch.elapsed(), done)
}
