//! Going back: what would change, and doing it without losing what is left behind.
//!
//! No history is rewritten. A reset seals the branch's timeline, keeps it under
//! `backup/<branch>/<time>`, and moves the branch to a new timeline that forks at the restored
//! state. To look at the past beside the present, make a branch of it instead
//! ([`Project::create_branch`](crate::Project::create_branch)).

use futures::TryStreamExt;

use crate::history::diff::{Diff, diff};
use crate::model::{BranchName, Lsn};
use crate::store::mask::Mask;
use crate::store::records::{BranchRecord, VersionedRecord};
use crate::store::{Branch, Project, State, read_only};
use crate::{Error, Result};

/// What a reset would do.
pub struct Preview {
    /// The head of the branch.
    pub head: Lsn,
    /// The state that it would be reset to.
    pub target: Lsn,
    /// How many commits of the branch would be left behind, reachable through the backup only.
    pub commits_left_behind: u64,
    /// From the head to the target: what would change.
    pub diff: Diff,
}

/// How many documents a reset would change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents that would come back.
    pub added: u64,
    /// Documents that would get an earlier content.
    pub changed: u64,
    /// Documents that would go.
    pub removed: u64,
}

impl Preview {
    /// Counts the documents that would change, in collections that are in both states.
    pub async fn count(&self) -> Result<Counts> {
        self.diff
            .documents()
            .try_fold(Counts::default(), |mut counts, document| async move {
                match (document.before, document.after) {
                    (None, _) => counts.added += 1,
                    (_, None) => counts.removed += 1,
                    _ => counts.changed += 1,
                }
                Ok(counts)
            })
            .await
    }
}

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// Where the branch was.
    pub from: Lsn,
    /// Where it is now.
    pub to: Lsn,
    /// The name under which what it was is kept.
    pub backup: BranchName,
}

/// Says what resetting `branch` to `target` would change. O(commits since their common one).
pub async fn preview(branch: &Branch, target: &State) -> Result<Preview> {
    let head = branch.head().await?;
    let diff = diff(&head, target).await?;
    Ok(Preview {
        head: head.lsn(),
        target: target.lsn(),
        commits_left_behind: head.lsn().get() - diff.common.get(),
        diff,
    })
}

/// Resets a branch to a state of its project.
///
/// Every commit acknowledged on the branch is either in its state after the reset, or in the
/// backup: writers are fenced off before the backup is made, and go on after the reset on what the
/// branch is then. If it is cut off, the branch is as it was, and there may be one backup more.
///
/// ```
/// # use bson::rawdoc;
/// # use argon_core::model::{CollectionName, Lsn};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let branch = argon_backends::memory_branch().await?;
/// let users = branch.collection(&CollectionName::new("users")?);
/// users.insert(rawdoc! { "_id": 1 }).await?;
/// users.insert(rawdoc! { "_id": 2 }).await?;
///
/// let reset = argon_core::restore::reset(&branch, &branch.at(Lsn::new(1)).await?).await?;
/// assert_eq!(branch.head().await?.lsn(), Lsn::new(1));
/// let backup = branch.project().branch(&reset.backup).await?;
/// assert_eq!(backup.head().await?.lsn(), Lsn::new(2));
/// # Ok(())
/// # }
/// ```
///
/// A masked branch stays masked, and what it is reset to counts as originals, unless it is a state of
/// the branch itself.
///
/// # Errors
/// `Denied` for a protected or read-only branch or a backup, and for a state that is masked unless the branch has
/// the same mask; `Conflict` if the branch was moved meanwhile;
/// `Invalid` if the target is the head already.
#[tracing::instrument(level = "info", skip_all, fields(branch = %branch.name(), lsn = %target.lsn()))]
pub async fn reset(branch: &Branch, target: &State) -> Result<Reset> {
    let (project, name) = (branch.project(), branch.name());
    let _moving = branch.shared().moving.lock().await;
    let stored = project.movable(name).await?;
    if stored.record.read_only {
        return Err(read_only::refused(name));
    }
    if branch.head().await?.view() == target.view() {
        return Err(Error::invalid(format!(
            "branch '{name}' is at LSN {} already; there is nothing to reset",
            target.lsn()
        )));
    }
    let mask = mask_after(name, stored.record.mask.as_ref(), target)?;
    let fork = project.fork(target, None).await?;
    let hold = project.acquire_hold(target, fork.timeline).await?;
    let record = stored.record.on(BranchRecord { mask, ..fork });
    let moved = move_to(project, name, &stored, record, target).await;
    // A hold that stays ends by itself; what counts is whether the branch was moved.
    if let Err(error) = project.release_hold(hold).await {
        tracing::warn!("a hold stays for an hour: {error}");
    }
    moved
}

async fn move_to(
    project: &Project,
    name: &BranchName,
    stored: &VersionedRecord<BranchRecord>,
    record: BranchRecord,
    target: &State,
) -> Result<Reset> {
    let head = project.seal(&stored.record).await?;
    let why = format!("reset to LSN {}", target.lsn());
    let from = stored.record.point_at(head.lsn);
    let movement = project.movement(from, target.view().point(), why.clone());
    let record = record.noting(movement);
    let backup = project.leave(name, stored, head, &why, Some(&record)).await?;
    Ok(Reset { from: head.lsn, to: target.lsn(), backup })
}

/// The mask of a branch after a reset; none is taken off, and none is put on unasked.
fn mask_after(name: &BranchName, mask: Option<&Mask>, target: &State) -> Result<Option<Mask>> {
    match (mask, target.mask()) {
        (None, None) => Ok(None),
        (Some(mask), None) => Ok(Some(mask.onto(target.catalog(), target.lsn()))),
        (Some(mask), Some(of_target)) if mask.is_like(of_target) => {
            Ok(Some(of_target.at(target.lsn())))
        }
        (_, Some(_)) => Err(Error::denied(format!(
            "branch '{name}' can't be reset to a state with another mask than its own; make a branch \
             of that state instead, which keeps the mask"
        ))),
    }
}
