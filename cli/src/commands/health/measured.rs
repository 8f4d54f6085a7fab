//! What is measured for checks and alerts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use argon_core::storage::Backlog;
use argon_core::{Result, State, Store, snapshot};
use bson::DateTime;

use crate::context::OpenStore;

/// What a store is like now. What does not apply to it, or can't be told, is `None`.
pub(super) struct Measured {
    pub(super) backlog: Option<Backlog>,
    /// How long the oldest job has waited; zero if none waits.
    pub(super) lag: Option<Duration>,
    /// Bytes free where the store is.
    pub(super) free: Option<u64>,
    /// Commits above the last snapshot of the branch, in a store that needs snapshots.
    pub(super) above_snapshot: Option<u64>,
    /// How far the clock of this machine is behind the last commit.
    pub(super) clock_behind: Option<Duration>,
}

impl Measured {
    /// Measures; `head` is that of the branch, if one is chosen.
    pub(super) async fn of(
        opened: &OpenStore,
        head: Option<&State>,
        now: DateTime,
    ) -> Result<Self> {
        let backlog = opened.store.backlog().await?;
        let lag = backlog.map(|backlog| {
            let oldest = backlog.oldest.unwrap_or(now);
            now.saturating_duration_since(oldest)
        });
        let (mut above_snapshot, mut clock_behind) = (None, None);
        if let Some(head) = head {
            above_snapshot = commits_above_snapshot(&opened.store, head).await?;
            let last = argon_core::log::last_commit(head).await?;
            clock_behind = last.map(|last| last.meta.time.saturating_duration_since(now));
        }
        let free = opened.place.data().and_then(free_bytes);
        Ok(Self { backlog, lag, free, above_snapshot, clock_behind })
    }

    /// The same by name, as rules of alerts name it.
    pub(super) fn values(&self) -> BTreeMap<&'static str, f64> {
        let backlog = |of: fn(&Backlog) -> u64| self.backlog.as_ref().map(of).map(number);
        [
            ("backlog_waiting", backlog(|backlog| backlog.waiting)),
            ("backlog_running", backlog(|backlog| backlog.running)),
            ("backlog_dead", backlog(|backlog| backlog.dead)),
            ("backlog_lag_seconds", self.lag.map(|lag| lag.as_secs_f64())),
            ("free_bytes", self.free.map(number)),
            ("snapshot_commits", self.above_snapshot.map(number)),
            ("clock_behind_seconds", self.clock_behind.map(|behind| behind.as_secs_f64())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared with a threshold")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// `None` for a store that answers reads from an index.
async fn commits_above_snapshot(store: &Store, head: &State) -> Result<Option<u64>> {
    if store.snapshot_policy().after_commits.is_none() {
        return Ok(None);
    }
    let last = snapshot::list(head).await?.pop();
    let below = last.map_or(0, |manifest| manifest.point.lsn.get());
    Ok(Some(head.lsn().get().saturating_sub(below)))
}

#[cfg(unix)]
fn free_bytes(directory: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(directory).ok()?;
    Some(volume.f_bavail.saturating_mul(volume.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
