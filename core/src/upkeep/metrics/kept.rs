//! Metrics in the store, as refs: `metrics/<random>` for each flush of a process, and
//! `metrics/total` for absorbed ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::model::metrics::{Metric, Summary};
use crate::storage::{CasResult, RefName, RefVersion, Refs, Traffic, VersionedRef};
use crate::store::{Store, records};

const PREFIX: &str = "metrics/";
const TOTAL: &str = "metrics/total";

/// A reader that finds more records absorbs them.
const MOST_RECORDS: usize = 32;

/// The sum of the records that it names and of earlier ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Total {
    summary: Summary,
    /// The records that the sum includes, and that may still exist.
    absorbed: BTreeSet<RefName>,
}

/// The records of a store in one listing.
#[derive(Default)]
struct Listed {
    total: Total,
    version: Option<RefVersion>,
    records: Vec<(RefName, VersionedRef)>,
    /// The sum of all, each counted once.
    sum: Summary,
}

/// Takes the counts of this process since the last call, for [`keep`].
pub fn gathered(store: &Store) -> Summary {
    let shared = &store.shared;
    let minute = shared.environment.now().timestamp_millis().div_euclid(60_000);
    shared.count_retries();
    shared.environment.metrics().take(minute)
}

/// Adds counts to those of the store, in one write without contention; none if nothing was counted.
///
/// # Errors
/// The errors of the store. After `Indeterminate`, the counts may have been added.
pub async fn keep(store: &Store, counted: &Summary) -> Result<()> {
    let shared = &store.shared;
    if counted.is_empty() {
        return Ok(());
    }
    let mut name = PREFIX.to_owned();
    for byte in shared.environment.random::<16>() {
        let _ = write!(name, "{byte:02x}");
    }
    let value = records::encode(counted)?;
    shared.backend.refs.compare_and_set(&name, None, Some(value)).await?;
    Ok(())
}

/// Returns the sum of the counts of all processes in the store. If there are many records, it
/// absorbs them into one; an interruption or a failed write leaves the sum unchanged.
///
/// # Errors
/// The errors of the store; `Corrupt` if a record can't be read.
pub async fn read(store: &Store) -> Result<Summary> {
    sum(&*store.shared.backend.refs).await
}

pub(super) async fn sum(refs: &dyn Refs) -> Result<Summary> {
    let listed = list(refs).await?;
    if listed.records.len() <= MOST_RECORDS {
        return Ok(listed.sum);
    }
    if let Err(error) = absorb(refs).await {
        tracing::debug!(%error, "failed to absorb metrics");
    }
    Ok(listed.sum)
}

async fn list(refs: &dyn Refs) -> Result<Listed> {
    let mut listed = Listed::default();
    for (name, stored) in refs.list(PREFIX).await? {
        if name == TOTAL {
            let stored = records::decode::<Total>(&name, stored)?;
            (listed.total, listed.version) = (stored.record, Some(stored.version));
        } else {
            listed.records.push((name, stored));
        }
    }
    listed.sum = listed.total.summary.clone();
    for (name, stored) in &listed.records {
        if !listed.total.absorbed.contains(name) {
            listed.sum.add(&records::decode(name, stored.clone())?.record);
        }
    }
    Ok(listed)
}

/// Adds the records to the total, and removes them.
///
/// The total is read before the records are listed, and its compare-and-set fails if it has
/// changed: so a name in the total that the listing lacks was removed permanently, because names
/// are random, and is dropped from the total.
async fn absorb(refs: &dyn Refs) -> Result<()> {
    let before = refs.get(TOTAL).await?.map(|stored| stored.version);
    let listed = list(refs).await?;
    if listed.version != before {
        return Ok(());
    }
    let absorbed = listed.records.iter().map(|(name, _)| name.clone()).collect();
    let total = records::encode(&Total { summary: listed.sum, absorbed })?;
    if let CasResult::Moved(_) = refs.compare_and_set(TOTAL, before.as_ref(), Some(total)).await? {
        return Ok(());
    }
    for (name, stored) in listed.records {
        refs.compare_and_set(&name, Some(&stored.version), None).await?;
    }
    Ok(())
}

impl crate::store::Shared {
    /// Adds the requests that were retried over the network since the last call.
    fn count_retries(&self) {
        let Some(network) = &self.backend.network else { return };
        let Traffic { retries, .. } = network.traffic();
        let before = self.retries.swap(retries, Ordering::Relaxed);
        self.environment.metrics().count(Metric::Retry, retries.saturating_sub(before));
    }
}
