//! Alerts: conditions that somebody is told of once when they begin to hold, and once when they end.
//!
//! What is known of an alert is a ref, changed by compare-and-set only, so that it outlives the
//! process and several evaluators make one alert together. What the receiver was told is kept apart
//! from what holds, and the difference is what is owed: a notice that could not be delivered is owed
//! until it is, or until there is nothing to tell any more. An evaluator claims a notice before it
//! delivers it. One that ends in between leaves the claim, and after [`CLAIM`] another delivers the
//! notice again, with the same identifier: the receiver may get a notice twice, and never misses one.

use std::time::Duration;

use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::model::Digest;
use crate::model::backoff::Backoff;
use crate::storage::{CasResult, RefName};
use crate::store::Store;
use crate::store::records::{self, VersionedRecord};
use crate::{Error, Result};

/// How long an evaluator has a notice for itself: longer than any delivery may take.
pub const CLAIM: Duration = Duration::from_mins(2);

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertState {
    /// It does not hold.
    Quiet,
    /// It holds since then, not yet long enough.
    Pending(DateTime),
    /// It is raised since then.
    Raised(DateTime),
}

/// Something that the receiver of an alert is to be told. Whoever has it must say by [`told`] what
/// came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Identifies it, however often it is delivered.
    pub id: String,
    /// Whether the alert was raised; cleared otherwise.
    pub raised: bool,
    /// When it was.
    pub at: DateTime,
    claim: String,
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where the alert stands now.
    pub condition: AlertState,
    /// What the caller is to deliver; nobody else has it.
    pub notice: Option<Notice>,
    /// Whether the receiver does not know yet how the alert stands, whoever is to tell it.
    pub is_owed: bool,
}

/// What the receiver knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReceiverState {
    Raised,
    Cleared,
    /// A delivery began, and nobody has said that it succeeded.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AlertRecord {
    name: String,
    /// Identifies the time for which it is raised.
    episode: String,
    /// Since when it holds.
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

/// Takes note of whether the condition of an alert holds now. It is raised when it has held for
/// `long_enough`, and cleared as soon as it does not hold.
///
/// Durable when something has changed; without a change it costs one read.
///
/// # Errors
/// `Conflict` when others change the alert all the time; those of the store.
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

/// Says what came of delivering a notice. One that was not delivered is given to the next that
/// observes the alert.
///
/// # Errors
/// As [`observe`]. The notice is then delivered again after [`CLAIM`].
pub async fn told(store: &Store, name: &str, notice: &Notice, delivered: bool) -> Result<()> {
    let mut backoff = Backoff::new(&store.shared.environment);
    while backoff.attempt().await {
        let Some(stored) = read(store, name).await? else { return Ok(()) };
        let mut record = stored.record.clone();
        // A claim that was too old is somebody else's now, who will say it.
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

    /// Claims what is owed, if nobody has.
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

    /// Whether it is as one that was never observed.
    fn is_new(&self) -> bool {
        self.since.is_none() && self.known == ReceiverState::Cleared && self.claim.is_none()
    }
}

/// Names of alerts are free text, and refs have names of their own.
fn alert_ref(name: &str) -> RefName {
    format!("{}{}", records::ALERTS, Digest::of(name.as_bytes()))
}

async fn read(store: &Store, name: &str) -> Result<Option<VersionedRecord<AlertRecord>>> {
    let name = alert_ref(name);
    let stored = store.shared.backend.refs.get(&name).await?;
    stored.map(|stored| records::decode(&name, stored)).transpose()
}

/// Writes a record if it has changed; says whether it is stored. One that says nothing is removed.
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
        "alert '{name}' is changed by others all the time; let fewer processes evaluate it"
    ))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn hex(bytes: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(bytes))
}
