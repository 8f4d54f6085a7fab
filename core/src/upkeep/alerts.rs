//! Alerts: conditions that are reported once when they begin to hold, and once when they end.
//!
//! The state of an alert is a ref that is changed only by compare-and-set, so that it outlives the
//! process, and several evaluators raise one alert together. The knowledge of the receiver is
//! stored apart from the state of the condition; the difference is owed: a notice that could not be
//! delivered stays owed until it is delivered or becomes unnecessary. An evaluator claims a notice
//! before it delivers it. If the evaluator crashes in between, the claim remains, and after
//! [`CLAIM`] another evaluator delivers the notice again, with the same identifier: the receiver
//! may get a notice twice, but never misses one.

use std::time::Duration;

use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::model::Digest;
use crate::model::backoff::Backoff;
use crate::storage::{CasResult, RefName};
use crate::store::Store;
use crate::store::records::{self, VersionedRecord};
use crate::{Error, Result};

/// The lifetime of a claim: longer than any delivery may take.
pub const CLAIM: Duration = Duration::from_mins(2);

/// The state of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertState {
    /// The condition does not hold.
    Quiet,
    /// The condition holds since this time, but not yet long enough.
    Pending(DateTime),
    /// The alert is raised since this time.
    Raised(DateTime),
}

/// A notice to deliver to the receiver of an alert. The caller must report the result by [`reported`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The identifier, the same for repeated deliveries.
    pub id: String,
    /// Whether the alert was raised; otherwise it was cleared.
    pub raised: bool,
    /// The time of the change.
    pub at: DateTime,
    claim: String,
}

/// The result of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The current state of the alert.
    pub condition: AlertState,
    /// The notice that the caller must deliver; it is claimed for the caller.
    pub notice: Option<Notice>,
    /// Whether the receiver does not yet know the current state, whoever delivers it.
    pub is_owed: bool,
}

/// The knowledge of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReceiverState {
    Raised,
    Cleared,
    /// A delivery began, and nobody has reported its success.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AlertRecord {
    name: String,
    /// Identifies the period for which the alert is raised.
    episode: String,
    /// The time since which the condition holds.
    since: Option<DateTime>,
    raised: Option<DateTime>,
    cleared: Option<DateTime>,
    known: ReceiverState,
    claim: Option<ClaimRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ClaimRecord {
    id: String,
    until: DateTime,
}

/// Records whether the condition of an alert holds now. The alert is raised when it has held for
/// `long_enough`, and cleared as soon as it does not hold.
///
/// Durable if something has changed; otherwise it costs one read.
///
/// # Errors
/// `Conflict` if others keep changing the alert; the errors of the store.
pub async fn observe(
    store: &Store,
    name: &str,
    holds: bool,
    long_enough: Duration,
) -> Result<Standing> {
    let environment = &store.shared.environment;
    let mut backoff = Backoff::new(environment);
    while backoff.attempt().await {
        let (now, fresh) = (environment.now(), hex(environment.random()));
        let stored = read(store, name).await?;
        let mut record =
            stored.as_ref().map_or_else(|| AlertRecord::new(name), |stored| stored.record.clone());
        record.observe(holds, long_enough, now, &fresh);
        let notice = record.claim(now, &fresh);
        if swap(store, stored, &record).await? {
            let (condition, is_owed) = (record.condition(), record.is_owed());
            return Ok(Standing { condition, notice, is_owed });
        }
    }
    Err(contended(name))
}

/// Reports the result of delivering a notice. An undelivered notice is given to the next evaluator
/// that observes the alert.
///
/// # Errors
/// See [`observe`]. After an error, the notice is delivered again after [`CLAIM`].
pub async fn reported(store: &Store, name: &str, notice: &Notice, delivered: bool) -> Result<()> {
    let mut backoff = Backoff::new(&store.shared.environment);
    while backoff.attempt().await {
        let Some(stored) = read(store, name).await? else { return Ok(()) };
        let mut record = stored.record.clone();
        // An expired claim may have been taken over by another evaluator, which reports it.
        if record.claim.take().is_none_or(|claim| claim.id != notice.claim) {
            return Ok(());
        }
        if delivered {
            record.known =
                if notice.raised { ReceiverState::Raised } else { ReceiverState::Cleared };
        }
        if swap(store, Some(stored), &record).await? {
            return Ok(());
        }
    }
    Err(contended(name))
}

impl AlertRecord {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            episode: String::new(),
            since: None,
            raised: None,
            cleared: None,
            known: ReceiverState::Cleared,
            claim: None,
        }
    }

    fn observe(&mut self, holds: bool, long_enough: Duration, now: DateTime, fresh: &str) {
        if !holds {
            self.since = None;
            if self.raised.take().is_some() {
                self.cleared = Some(now);
            }
            return;
        }
        let since = *self.since.get_or_insert(now);
        if self.raised.is_none() && now.saturating_duration_since(since) >= long_enough {
            self.raised = Some(now);
            fresh.clone_into(&mut self.episode);
        }
    }

    fn condition(&self) -> AlertState {
        match (self.raised, self.since) {
            (Some(raised), _) => AlertState::Raised(raised),
            (None, Some(since)) => AlertState::Pending(since),
            (None, None) => AlertState::Quiet,
        }
    }

    fn is_owed(&self) -> bool {
        let knows =
            if self.raised.is_some() { ReceiverState::Raised } else { ReceiverState::Cleared };
        self.known != knows
    }

    /// Claims the owed notice, unless it is claimed.
    fn claim(&mut self, now: DateTime, fresh: &str) -> Option<Notice> {
        let is_taken = self.claim.as_ref().is_some_and(|claim| claim.until > now);
        if is_taken || !self.is_owed() {
            return None;
        }
        let until = now.timestamp_millis().saturating_add(millis(CLAIM));
        let until = DateTime::from_millis(until);
        self.claim = Some(ClaimRecord { id: fresh.to_owned(), until });
        self.known = ReceiverState::Unknown;
        let raised = self.raised.is_some();
        let word = if raised { "raised" } else { "cleared" };
        Some(Notice {
            id: format!("{}-{word}", self.episode),
            raised,
            at: self.raised.or(self.cleared).unwrap_or(now),
            claim: fresh.to_owned(),
        })
    }

    /// Returns whether the record is that of an alert that was never observed.
    fn is_new(&self) -> bool {
        self.since.is_none() && self.known == ReceiverState::Cleared && self.claim.is_none()
    }
}

/// Alert names are free text, which is not allowed in the name of a ref.
fn alert_ref(name: &str) -> RefName {
    format!("{}{}", records::ALERTS, Digest::of(name.as_bytes()))
}

async fn read(store: &Store, name: &str) -> Result<Option<VersionedRecord<AlertRecord>>> {
    let name = alert_ref(name);
    let stored = store.shared.backend.refs.get(&name).await?;
    stored.map(|stored| records::decode(&name, stored)).transpose()
}

/// Writes a record if it has changed; returns whether it is stored. A default record is removed.
async fn swap(
    store: &Store,
    stored: Option<VersionedRecord<AlertRecord>>,
    record: &AlertRecord,
) -> Result<bool> {
    let is_same = match &stored {
        Some(stored) => stored.record == *record && !record.is_new(),
        None => record.is_new(),
    };
    if is_same {
        return Ok(true);
    }
    let value = if record.is_new() { None } else { Some(records::encode(record)?) };
    let version = stored.as_ref().map(|stored| &stored.version);
    let refs = &store.shared.backend.refs;
    let swap = refs.compare_and_set(&alert_ref(&record.name), version, value).await?;
    Ok(matches!(swap, CasResult::Done(_)))
}

fn contended(name: &str) -> Error {
    Error::conflict(format!(
        "alert '{name}' keeps being changed by others; let fewer processes evaluate it"
    ))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn hex(bytes: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(bytes))
}
