//! Sandboxes: branches with a lease.
//!
//! A sandbox is a branch whose record has a lease. It lives until the lease expires, and at least
//! for the duration of the lease after the last commit of its own, so one in use is never swept. An
//! expired sandbox takes no commits until it is [extended](extend); [`sweep`] removes it.

use std::time::Duration;

use bson::DateTime;

use crate::model::{BranchName, Head};
use crate::store::records::{BranchRecord, LeaseRecord, PinRecord, VersionedRecord};
use crate::store::{Branch, BranchInfo, Project, State};
use crate::{DetailKey, Error, ErrorKind, Hint, Result};

/// The first component of the names of sandboxes.
pub const PREFIX: &str = "sandbox";

/// The number of names that are drawn before giving up.
const DRAWS: usize = 8;

/// The result of a sweep for an expired sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The sandbox.
    pub name: BranchName,
    /// The expiry.
    pub ended: DateTime,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of a sweep for an expired sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It would be removed; nothing was changed.
    Due,
    /// It was removed and kept as this backup.
    Removed(BranchName),
    /// It was kept, because this pin names a state of its own.
    Pinned(String),
    /// It was kept, because it is protected.
    Protected,
    /// It was kept, because it was written to or extended concurrently.
    InUse,
}

/// Returns the full name of a sandbox: `x` and `sandbox/x` are the same.
///
/// # Errors
/// `Invalid` for an invalid name.
pub fn full_name(name: &str) -> Result<BranchName> {
    match name.split_once('/') {
        Some((PREFIX, _)) => BranchName::new(name),
        _ => BranchName::new(format!("{PREFIX}/{name}")),
    }
}

/// Creates a sandbox that starts at `from`, under a generated name if none is given. It costs one
/// durable write. Returns the branch, and its expiry unless it is written to or extended.
///
/// # Errors
/// The errors of [`Project::create_branch`]; `Invalid` for a lifetime that is zero or too long.
pub async fn create(
    project: &Project,
    from: &State,
    parent: &BranchName,
    name: Option<&BranchName>,
    ttl: Duration,
) -> Result<(Branch, DateTime)> {
    let _moving = project.shared.moving.lock().await;
    // A clock that is behind the last commit is wrong, and would make the sandbox expire at once.
    let last = from.last().await?.time;
    let lease = lease(project, last, ttl)?;
    let mut record = project.fork(from, Some(parent)).await?;
    record.lease = Some(lease);
    if let Some(name) = name {
        return Ok((project.create_from(name, from, record).await?, lease.expires));
    }
    for draw in 1.. {
        let number = u32::from_be_bytes(project.shared.environment.random());
        let name = BranchName::new(format!("{PREFIX}/{number:08x}"))?;
        match project.create_from(&name, from, record.clone()).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && draw < DRAWS => {}
            made => return Ok((made?, lease.expires)),
        }
    }
    Err(Error::internal("failed to find an unused name for a sandbox; give it a name"))
}

/// Creates a lease that begins now, and not before `last`, the time of the newest commit.
fn lease(project: &Project, last: DateTime, ttl: Duration) -> Result<LeaseRecord> {
    let now = project.shared.environment.latest().max(last).timestamp_millis();
    let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
    match now.checked_add(ttl_ms) {
        Some(expires) if ttl_ms > 0 => {
            Ok(LeaseRecord { ttl_ms, expires: DateTime::from_millis(expires) })
        }
        _ => Err(Error::invalid(
            "invalid lifetime of a sandbox: expected more than 0 and an expiry within some million \
             years",
        )),
    }
}

/// The sandboxes, by name.
pub async fn list(project: &Project) -> Result<Vec<BranchInfo>> {
    let mut records = project.branch_records().await?;
    records.retain(|(_, stored)| stored.record.lease.is_some());
    project.described(records).await
}

/// Extends the lease of a sandbox by `ttl` from now, by default its original lifetime; returns the
/// expiry.
///
/// # Errors
/// `NotFound`; `Invalid` if the branch is not a sandbox; `Conflict` if it was moved concurrently.
pub async fn extend(
    project: &Project,
    name: &BranchName,
    ttl: Option<Duration>,
) -> Result<DateTime> {
    let (stored, old) = leased(project, name).await?;
    let ttl = ttl.unwrap_or(Duration::from_millis(old.ttl_ms.unsigned_abs()));
    let head = project.head_of(&stored.record).await?;
    let new = lease(project, head.time, ttl)?;
    let record = BranchRecord { lease: Some(new), ..stored.record.clone() };
    project.amend(name, &stored, &record).await?;
    Ok(record.ends(&head).unwrap_or(new.expires))
}

/// Turns a sandbox into an ordinary branch, under its name or another.
///
/// # Errors
/// `NotFound`; `Invalid` if the branch is not a sandbox; `Conflict` if it was moved concurrently;
/// with another name, the errors of [`Project::rename_branch`].
pub async fn keep(
    project: &Project,
    name: &BranchName,
    another: Option<&BranchName>,
) -> Result<Branch> {
    let (stored, _) = leased(project, name).await?;
    let kept = |record| BranchRecord { lease: None, ..record };
    if let Some(another) = another.filter(|another| *another != name) {
        return project.rename(name, another, "kept", kept).await;
    }
    let at = stored.record.point_at(project.head_of(&stored.record).await?.lsn);
    let movement = project.movement(at, at, "kept: not a sandbox any more");
    let record = project.set(name, &stored, kept(stored.record.clone()), movement).await?;
    Ok(Branch::new(project.clone(), name.clone(), record))
}

/// Removes a sandbox, keeps it as a backup, and returns the backup's name.
///
/// # Errors
/// `NotFound`; `Invalid` if the branch is not a sandbox; `Denied` if it is protected; `Conflict` if
/// it was moved concurrently.
pub async fn discard(project: &Project, name: &BranchName) -> Result<BranchName> {
    let _moving = project.shared.moving.lock().await;
    let (stored, _) = leased(project, name).await?;
    if stored.record.protected {
        project.movable(name).await?;
    }
    let head = project.seal(&stored.record).await?;
    project.retire(name, &stored, head, "discarded").await
}

async fn leased(
    project: &Project,
    name: &BranchName,
) -> Result<(VersionedRecord<BranchRecord>, LeaseRecord)> {
    let stored = project.record(name).await?;
    match stored.record.lease {
        Some(lease) => Ok((stored, lease)),
        None => Err(Error::invalid(format!(
            "branch '{name}' is not a sandbox; it stays until it is deleted"
        ))
        .with_detail(DetailKey::Branch, name.as_str())
        .with_hint(Hint::DeleteBranch { branch: name.to_string() })),
    }
}

/// Removes expired sandboxes like [`discard`]; with `dry_run`, only lists them.
///
/// A sandbox that is written to or extended concurrently is kept: its timeline is sealed first, the
/// expiry is checked again with the last commit before the seal, and the record is removed only if
/// it is unchanged. A later writer gets an error that the branch is gone.
#[tracing::instrument(level = "info", skip_all, name = "sweep_sandboxes")]
pub async fn sweep(project: &Project, dry_run: bool) -> Result<Vec<Swept>> {
    project.shared.look_at_clocks().await?;
    let now = project.shared.environment.earliest();
    let pins: Vec<(String, PinRecord)> = project
        .pin_records()
        .await?
        .into_iter()
        .map(|(name, record)| (name.to_string(), record))
        .collect();
    let mut swept = Vec::new();
    for (name, stored) in project.branch_records().await? {
        if stored.record.lease.is_none_or(|lease| lease.expires > now) {
            continue;
        }
        let head = project.head_of(&stored.record).await?;
        let Some(ended) = stored.record.ends(&head).filter(|end| *end <= now) else { continue };
        let outcome = if let Some(pin) = pin_on(&stored.record, &pins) {
            Outcome::Pinned(pin.to_owned())
        } else if stored.record.protected {
            Outcome::Protected
        } else if dry_run {
            Outcome::Due
        } else {
            remove(project, &name, &stored, now).await?
        };
        swept.push(Swept { name, ended, outcome });
    }
    Ok(swept)
}

/// Returns the pin of a state that only this branch has.
fn pin_on<'a>(record: &BranchRecord, pins: &'a [(String, PinRecord)]) -> Option<&'a str> {
    let own = |pin: &PinRecord| pin.point().is_some_and(|at| at.timeline == record.timeline);
    pins.iter().find(|(_, pin)| own(pin)).map(|(name, _)| name.as_str())
}

async fn remove(
    project: &Project,
    name: &BranchName,
    stored: &VersionedRecord<BranchRecord>,
    now: DateTime,
) -> Result<Outcome> {
    let _moving = project.shared.moving.lock().await;
    let head = project.seal(&stored.record).await?;
    if stored.record.ends(&head).is_some_and(|end| end > now) {
        go_on(project, name, stored, head).await?;
        return Ok(Outcome::InUse);
    }
    let backup = project.back_up(name, &stored.record, head, "swept: expired").await?;
    match project.remove(name, stored).await {
        Ok(()) => Ok(Outcome::Removed(backup)),
        Err(error) if error.kind() == ErrorKind::Conflict => {
            // Other operations have already moved it, so no history was left behind.
            let made = project.record(&backup).await?;
            project.remove(&backup, &made).await?;
            Ok(Outcome::InUse)
        }
        Err(error) => Err(error),
    }
}

/// Lets a sandbox continue in a fork of its sealed timeline, unless another process has done so.
async fn go_on(
    project: &Project,
    name: &BranchName,
    stored: &VersionedRecord<BranchRecord>,
    head: Head,
) -> Result<()> {
    let at = stored.record.point_at(head.lsn);
    let record = project.forked_on(&stored.record, head).await?;
    let movement = project.movement(at, at, "continued: written to during the sweep");
    match project.set(name, stored, record, movement).await {
        Err(error) if error.kind() != ErrorKind::Conflict => Err(error),
        _ => Ok(()),
    }
}
