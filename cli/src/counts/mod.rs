//! Keeping what commands count: in the store if they wrote to it, else on this machine until one does.
//! Counts that can't be kept are no reason to fail.

mod spool;

use std::convert::Infallible;
use std::time::Duration;

use argon_core::metrics::{self, Metric, Summary};
use argon_core::{Error, Result, Store};

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
    let kept = tokio::time::timeout(PATIENCE, metrics::keep(store, &all)).await;
    // From a server, an error and no answer in time come to the same.
    if let (false, Ok(Err(error))) = (store.capabilities().shared, kept) {
        context.output.note(&not_kept(&error));
    }
}

/// What a disk that fails at last is worth: the next write would meet it too.
fn not_kept(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!(
        "the command is done, but what it counted could not be kept: {error}{}; look at the disk, and \
         run `argon fsck`",
        cause.unwrap_or_default()
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_does_not_take_the_counts_is_reported_with_its_cause() {
        let cause = std::io::Error::other("Input/output error");
        let error = Error::indeterminate("a write to the sled store x may have failed");
        let words = not_kept(&error.with_source(cause));
        assert!(words.contains("could not be kept: a write to the sled store x"), "{words}");
        assert!(words.contains(": Input/output error; look at the disk"), "{words}");
    }
}
