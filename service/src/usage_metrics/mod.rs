//! Keeping what processes count: in the store if they wrote to it, else on this machine until one does.
//! Counts that can't be kept are no reason to fail.

mod prometheus;
mod reading;
mod spool;

use std::time::Duration;

use argon_core::metrics::{self, Metric, Summary};
use argon_core::{Result, Store};

pub use self::prometheus::prometheus;
pub use self::reading::{CountedMetric, Gauge, Reading, ShowMetrics, ShownMetric};
use self::spool::Spool;

/// How long a store may take to keep counts.
const PATIENCE: Duration = Duration::from_secs(1);

/// What processes do only when they write to a store.
const WRITES: [Metric; 4] = [Metric::Append, Metric::Snapshot, Metric::Gc, Metric::Job];

/// Keeps what was counted since the last time.
///
/// # Errors
/// That of a disk which does not take it: the next write would meet it too.
pub async fn keep(store: &Store) -> Result<()> {
    let counted = metrics::gathered(store);
    if counted.is_empty() || !store.capabilities().durable {
        return Ok(());
    }
    let spool = Spool::of(store);
    if !WRITES.into_iter().any(|metric| counted.get(metric).is_some()) {
        if let Some(Err(error)) = spool.map(|spool| spool.add(&counted)) {
            tracing::debug!(%error, "what was counted could not be kept");
        }
        return Ok(());
    }
    let mut all = counted;
    if let Some(Ok(looks)) = spool.map(|spool| spool.take()) {
        all.add(&looks);
    }
    let kept = tokio::time::timeout(PATIENCE, metrics::keep(store, &all)).await;
    // From a server, an error and no answer in time come to the same.
    if let (false, Ok(Err(error))) = (store.capabilities().shared, kept) {
        return Err(error);
    }
    Ok(())
}

/// What all processes counted: what the store has, and what looks at it from this machine came to.
pub async fn sum(store: &Store) -> Result<Summary> {
    let mut sum = metrics::read(store).await?;
    if let Some(Ok(looks)) = Spool::of(store).map(|spool| spool.read()) {
        sum.add(&looks);
    }
    Ok(sum)
}
