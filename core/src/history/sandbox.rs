//! Sandboxes: branches that end by themselves.
//!
//! A sandbox is a branch whose record has a lease. It lives until its lease ends, and at least for
//! the length of the lease after the last commit of its own, so one in use is never swept. One whose
//! time is over takes no commits until it is [extended](extend); [`sweep`] takes it away.

use std::time::Duration;

use bson::DateTime;

use crate::model::{BranchName, Head};
use crate::store::records::{BranchRecord, LeaseRecord, PinRecord, VersionedRecord};
use crate::store::{Branch, BranchInfo, Project, State};
use crate::{DetailKey, Error, ErrorKind, Hint, Result};

/// The first part of the names of sandboxes.
pub const PREFIX: &str = "sandbox";

/// How often another name is drawn when one is taken.
const DRAWS: usize = 8;

/// What a sweep came to for a sandbox that was over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The sandbox.
    pub name: BranchName,
    /// When its time was over.
    pub ended: DateTime,
    /// What came of it.
    pub outcome: Outcome,
}

/// What becomes of a sandbox that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It would be removed; nothing was done.
    Due,
    /// It was removed, and what it was is kept under this name.
    Removed(BranchName),
    /// It stays: this pin is a state of its own.
    Pinned(String),
    /// It stays, since it is protected.
    Protected,
    /// It stays: somebody wrote to it or extended it at the same moment.
    InUse,
}

/// The name of a sandbox as a person may write it: `x` and `sandbox/x` are one.
///
/// # Errors
/// `Invalid` if it is no name.
pub fn full_name(name: &str) -> Result<BranchName> {
    match name.split_once('/') {
        Some((PREFIX, _)) => BranchName::new(name),
        _ => BranchName::new(format!("{PREFIX}/{name}")),
    }
}

/// Makes a sandbox that starts as `from`, under a name of its own if none is given. It costs one
/// durable write. Gives the branch, and when it ends if nobody writes to it or extends it.
///
/// # Errors
/// Those of [`Project::create_branch`]; `Invalid` for a time to live that is zero or too long.
pub async fn create(
    project: &Project,
    from: &State,
    parent: &BranchName,
    name: Option<&BranchName>,
    ttl: Duration,
) -> Result<(Branch, DateTime)> {
    let _moving = project.shared.moving.lock().await;
    // A clock that is behind what was committed already is wrong, and would end it at once.
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
    Err(Error::internal("a name for a sandbox could not be drawn"))
}

/// A lease that begins now, and not before `last`, the time of the newest commit.
fn lease(project: &Project, last: DateTime, ttl: Duration) -> Result<LeaseRecord> {
    let now = project.shared.environment.latest().max(last).timestamp_millis();
    let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
    match now.checked_add(ttl_ms) {
        Some(expires) if ttl_ms > 0 => {
            Ok(LeaseRecord { ttl_ms, expires: DateTime::from_millis(expires) })
        }
        _ => Err(Error::invalid(
            "the time that a sandbox lives must be longer than 0 and end within some million years",
        )),
    }
}

/// The sandboxes, by name.
pub async fn list(project: &Project) -> Result<Vec<BranchInfo>> {
    let mut records = project.branch_records().await?;
    records.retain(|(_, stored)| stored.record.lease.is_some());
    project.described(records).await
}

/// Lets a sandbox live for `ttl` from now on, or as long again as it was made for; gives its end.
///
/// # Errors
/// `NotFound`; `Invalid` if it is no sandbox; `Conflict` if it was moved meanwhile.
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

/// Makes an ordinary branch of a sandbox, under its name or another.
///
/// # Errors
/// `NotFound`; `Invalid` if it is no sandbox; `Conflict` if it was moved meanwhile; with another
/// name those of [`Project::rename_branch`].
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
    let movement = project.movement(at, at, "kept: no sandbox any more");
    let record = project.set(name, &stored, kept(stored.record.clone()), movement).await?;
    Ok(Branch::new(project.clone(), name.clone(), record))
}

/// Removes a sandbox; what it was is kept as a backup, whose name is given.
///
/// # Errors
/// `NotFound`; `Invalid` if it is no sandbox; `Denied` if it is protected; `Conflict` if it was
/// moved meanwhile.
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
            "branch '{name}' is no sandbox; it stays until it is deleted"
        ))
        .with_detail(DetailKey::Branch, name.as_str())
        .with_hint(Hint::DeleteBranch { branch: name.to_string() })),
    }
}

/// Removes the sandboxes whose time is over, each as [`discard`] does; with `dry_run` only says which.
///
/// A sandbox to which somebody writes at the same moment, or that is extended, stays: the timeline is
/// sealed first, and whether the time is over is asked again with the last commit that came before
/// the seal; and the record is removed only if it is as it was read. A writer that comes later is
/// told that the branch is gone.
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

/// The pin of a state that only this branch has.
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
    let backup = project.back_up(name, &stored.record, head, "swept: its time was over").await?;
    match project.remove(name, stored).await {
        Ok(()) => Ok(Outcome::Removed(backup)),
        Err(error) if error.kind() == ErrorKind::Conflict => {
            // It lives on where the others have taken it, so nothing was left behind.
            let made = project.record(&backup).await?;
            project.remove(&backup, &made).await?;
            Ok(Outcome::InUse)
        }
        Err(error) => Err(error),
    }
}

/// Lets a sandbox go on in a fork of its sealed timeline, unless somebody else has done so.
async fn go_on(
    project: &Project,
    name: &BranchName,
    stored: &VersionedRecord<BranchRecord>,
    head: Head,
) -> Result<()> {
    let at = stored.record.point_at(head.lsn);
    let record = project.forked_on(&stored.record, head).await?;
    let movement = project.movement(at, at, "went on: it was written to while it was swept");
    match project.set(name, stored, record, movement).await {
        Err(error) if error.kind() != ErrorKind::Conflict => Err(error),
        _ => Ok(()),
    }
}
