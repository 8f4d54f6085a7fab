//! Measures for checks and alerts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use argon_core::storage::{Backlog, Certificate, ServerFacts};
use argon_core::{Result, State, Store, snapshot};
use bson::DateTime;

use crate::discover::Place;

/// The measures of a store; `None` where they do not apply or are unknown.
#[derive(Debug)]
pub(super) struct Measured {
    /// Jobs that wait.
    pub(super) backlog: Option<Backlog>,
    /// How long the oldest job has waited; zero if none waits.
    pub(super) lag: Option<Duration>,
    /// Bytes free where the store is.
    pub(super) free: Option<u64>,
    /// Commits above the last snapshot of the branch, in a store that needs snapshots.
    pub(super) above_snapshot: Option<u64>,
    /// How far the clock of this machine is behind the last commit.
    pub(super) clock_behind: Option<Duration>,
    /// What the servers show that the store is on, or why they could not be asked.
    pub(super) servers: Result<Vec<ServerFacts>>,
    /// When all this was measured.
    pub(super) now: DateTime,
}

impl Measured {
    /// Measures the store at `place`; `head` is that of the branch, if one is chosen.
    pub(super) async fn of(
        store: &Store,
        place: &Place,
        head: Option<&State>,
        now: DateTime,
    ) -> Result<Self> {
        let backlog = store.backlog().await?;
        let lag = backlog.map(|backlog| {
            let oldest = backlog.oldest.unwrap_or(now);
            now.saturating_duration_since(oldest)
        });
        let (mut above_snapshot, mut clock_behind) = (None, None);
        if let Some(head) = head {
            above_snapshot = commits_above_snapshot(store, head).await?;
            let last = argon_core::log::last_commit(head).await?;
            clock_behind = last.map(|last| last.meta.time.saturating_duration_since(now));
        }
        let free = place.data().and_then(free_bytes);
        let servers = store.servers().await;
        Ok(Self { backlog, lag, free, above_snapshot, clock_behind, servers, now })
    }

    /// How far the clock of this machine is from that of the server from which it is furthest, which
    /// is named; `None` if unknown.
    pub(super) fn clock_off(&self) -> Option<(Duration, &str)> {
        let servers = self.servers.iter().flatten();
        let off = servers.filter_map(|server| {
            let ahead = server.clock_ahead?.unsigned_abs();
            Some((Duration::from_millis(ahead), server.address.as_str()))
        });
        off.max()
    }

    /// When the first certificate of the servers ends, and whose it is; `None` if unknown.
    pub(super) fn certificate(&self) -> Option<(DateTime, &str)> {
        let servers = self.servers.iter().flatten();
        let ends = servers.filter_map(|server| match server.certificate {
            Certificate::Ends(end) => Some((end, server.address.as_str())),
            Certificate::NotUsed | Certificate::Unknown(_) => None,
        });
        ends.min()
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
            ("clock_off_seconds", self.clock_off().map(|(off, _)| off.as_secs_f64())),
            ("certificate_seconds", self.certificate().map(|(end, _)| left(end, self.now))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// The seconds from now to an end; negative after it.
fn left(end: DateTime, now: DateTime) -> f64 {
    let over = now.saturating_duration_since(end);
    end.saturating_duration_since(now).as_secs_f64() - over.as_secs_f64()
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
