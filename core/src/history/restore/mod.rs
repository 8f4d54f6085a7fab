//! Restores an earlier state, with a preview, and without losing the replaced history.
//!
//! No history is rewritten. A reset seals the branch's timeline, keeps it under
//! `backup/<branch>/<time>`, and moves the branch to a new timeline that forks at the restored
//! state. To read the past beside the present, create a branch of it instead
//! ([`Project::create_branch`](crate::Project::create_branch)). To restore one collection, or some
//! documents, [`part`](fn@part) makes a commit that changes nothing else.

mod part;

pub use part::{Part, PartialRestore, part};

use futures::TryStreamExt;

use crate::history::diff::{Diff, diff};
use crate::model::{BranchName, Lsn};
use crate::store::mask::Mask;
use crate::store::records::{BranchRecord, VersionedRecord};
use crate::store::{Branch, Project, State, read_only};
use crate::{Error, Result};

/// The effect of a reset.
pub struct Preview {
    /// The head of the branch.
    pub head: Lsn,
    /// The target state.
    pub target: Lsn,
    /// The number of commits that would be reachable only through the backup.
    pub commits_left_behind: u64,
    /// The changes from the head to the target.
    pub diff: Diff,
}

/// The number of documents that a reset would change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents that would be restored.
    pub added: u64,
    /// Documents that would get an earlier content.
    pub changed: u64,
    /// Documents that would be removed.
    pub removed: u64,
}

impl Preview {
    /// Counts the documents that would change, in collections of both states.
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

/// The result of a reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// The previous position.
    pub from: Lsn,
    /// The new position.
    pub to: Lsn,
    /// The backup of the previous position.
    pub backup: BranchName,
}

/// Computes the effect of resetting `branch` to `target`. O(commits since the last common one).
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
/// backup: writers are fenced off before the backup is made, and continue after the reset on the
/// new state. If interrupted, the branch is unchanged, and there may be an additional backup.
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
/// A masked branch stays masked, and the target counts as originals, unless it is a state of the
/// branch itself.
///
/// # Errors
/// `Denied` for a protected or read-only branch or a backup, and for a masked state unless the
/// branch has the same mask; `Conflict` if the branch was moved concurrently; `Invalid` if the
/// target is already the head.
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
            "branch '{name}' is already at LSN {}; nothing to reset",
            target.lsn()
        )));
    }
    let mask = mask_after(name, stored.record.mask.as_ref(), target)?;
    let fork = project.fork(target, None).await?;
    let hold = project.acquire_hold(target, fork.timeline).await?;
    let record = stored.record.on(BranchRecord { mask, ..fork });
    let moved = move_to(project, name, &stored, record, target).await;
    // A leftover hold expires by itself; the branch was moved.
    if let Err(error) = project.release_hold(hold).await {
        tracing::warn!("a hold remains for an hour: {error}");
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

/// Returns the mask of a branch after a reset; a reset neither adds nor removes a mask.
fn mask_after(name: &BranchName, mask: Option<&Mask>, target: &State) -> Result<Option<Mask>> {
    match (mask, target.mask()) {
        (None, None) => Ok(None),
        (Some(mask), None) => Ok(Some(mask.onto(target.catalog(), target.lsn()))),
        (Some(mask), Some(of_target)) if mask.is_like(of_target) => {
            Ok(Some(of_target.at(target.lsn())))
        }
        (_, Some(_)) => Err(Error::denied(format!(
            "branch '{name}' can't be reset to a state with a different mask; create a branch from \
             that state instead, which keeps the mask"
        ))),
    }
}
