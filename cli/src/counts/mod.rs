//! Keeping what commands count: in the store if they wrote to it, else on this machine until one does.
//! Counts that can't be kept are no reason to fail.

mod spool;

use std::convert::Infallible;
use std::time::Duration;

use argon_core::metrics::{self, Metric, Summary};
use argon_core::{Result, Store};

use self::spool::Spool;
use crate::context::Context;

/// How long a store may take to keep counts.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a command that goes on keeps what it has counted.
const EVERY: Duration = Duration::from_secs(10);

/// What commands do only when they write to a store.
const WRITES: [Metric; 4] = [Metric::Append, Metric::Snapshot, Metric::Gc, Metric::Job];

/// Keeps what was counted since the last time.
pub(crate) async fn keep(store: &Store, context: &Context) {
    if !context.settings().metrics.enabled || !store.capabilities().durable {
        return;
    }
    let counted = metrics::gathered(store);
    if counted.is_empty() {
        return;
    }
    let spool = Spool::of(&store.info());
    if !WRITES.into_iter().any(|metric| counted.get(metric).is_some()) {
        if let Some(Err(error)) = spool.map(|spool| spool.add(&counted)) {
            tracing::debug!(%error, "what was counted could not be kept");
        }
        return;
    }
    let mut all = counted;
    if let Some(Ok(looks)) = spool.map(|spool| spool.take()) {
        all.add(&looks);
    }
    // An error and a server that does not answer in time come to the same.
    let _ = tokio::time::timeout(PATIENCE, metrics::keep(store, &all)).await;
}

/// Keeps what a command counts while it goes on, from time to time.
pub(crate) async fn keep_on(context: &Context) -> Infallible {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Some(store) = context.opened_store() {
            keep(&store, context).await;
        }
    }
}

/// What all commands counted: what the store has, and what looks at it from this machine came to.
pub(crate) async fn sum(store: &Store) -> Result<Summary> {
    let mut sum = metrics::read(store).await?;
    if let Some(Ok(looks)) = Spool::of(&store.info()).map(|spool| spool.read()) {
        sum.add(&looks);
    }
    Ok(sum)
}
