//! Applying a patch to a branch.

use super::{Already, Conflict, Patch, Preview, check_with};
use crate::engine::write::{Enforced, Outcome, Receipt, WriteRequest};
use crate::history::checks::{self, Checked, Checks, Proposed, Unchecked, Violation};
use crate::model::backoff::Backoff;
use crate::store::{Branch, State};
use crate::{Error, Result};

/// The maximum number of violations in the result.
pub const MOST_VIOLATIONS: usize = 21;

/// The result of applying a patch.
#[derive(Debug, Clone, PartialEq)]
pub enum Applied {
    /// The patch was applied.
    Done {
        /// The commit; `None` if all changes were already present.
        receipt: Option<Receipt>,
        /// The number of changes that were already present.
        skipped: usize,
        /// Rules of the collections that could not be checked.
        unchecked: Vec<Unchecked>,
    },
    /// The patch did not fit, and nothing was changed.
    Conflicts(Vec<Conflict>),
    /// The result would violate rules of the collections, and nothing was changed: at most
    /// [`MOST_VIOLATIONS`] violations.
    Violations(Vec<Violation>),
    /// These rules of the collections can't be checked, [`Already::Refuse`] was requested, and
    /// nothing was changed.
    Unchecked(Vec<Unchecked>),
}

impl Preview {
    /// Checks the result by the collections' own validators and indexes; returns at most
    /// [`MOST_VIOLATIONS`] violations, and the rules that can't be checked. `state` is the state of
    /// the preview.
    ///
    /// # Errors
    /// The errors of [`checks::run`].
    pub async fn check_rules(&self, state: &State) -> Result<Checked> {
        let proposed = Proposed::of(state.clone(), self.changes.iter().cloned())?;
        checks::run(&Checks::default(), &proposed, MOST_VIOLATIONS).await
    }
}

/// Applies a patch to the head of a branch: completely, in one commit, or not at all.
///
/// A change of a document fits if the changed parts match the patch, whatever else the document
/// contains. A change that is already present is skipped. If another writer commits first, the
/// patch is checked again at the new head. The result must satisfy the validators and unique
/// indexes of its collections. `request` is empty; its actor, message and origin sign the commit.
///
/// ```
/// # use bson::rawdoc;
/// # use argon_core::model::{BranchName, CollectionName};
/// # use argon_core::patch::{Applied, Patch, apply};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let main = argon_backends::memory_branch().await?;
/// let users = main.collection(&CollectionName::new("users")?);
/// users.insert(rawdoc! { "_id": 1, "name": "Ada" }).await?;
/// let before = main.head().await?;
/// let fork = main.project().create_branch(&BranchName::new("fork")?, &before, None).await?;
/// users.replace(rawdoc! { "_id": 1, "name": "Grace" }).await?;
///
/// let diff = argon_core::diff::diff(&before, &main.head().await?).await?;
/// let patch = Patch::of(&diff).await?;
/// let applied = apply(&patch, &fork, fork.request()).await?;
/// assert!(matches!(applied, Applied::Done { receipt: Some(_), skipped: 0, .. }));
/// let applied = apply(&patch.reversed(), &main, main.request()).await?;
/// assert!(matches!(applied, Applied::Done { .. }));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Conflict` if other writers came first on every attempt of a [`Backoff`]; those of [`check`](fn@super::check) and of
/// [`Branch::commit`].
pub async fn apply(patch: &Patch, branch: &Branch, request: WriteRequest) -> Result<Applied> {
    apply_with(patch, branch, request, Already::Skip).await
}

/// Like [`apply`], with the treatment of changes that are already present. With
/// [`Already::Refuse`], of many writers that apply one patch concurrently, exactly one succeeds;
/// and nothing is applied if a rule of the collections can't be checked.
///
/// # Errors
/// The errors of [`apply`].
#[tracing::instrument(level = "info", skip_all, name = "apply_patch", fields(branch = %branch.name()))]
pub async fn apply_with(
    patch: &Patch,
    branch: &Branch,
    request: WriteRequest,
    already: Already,
) -> Result<Applied> {
    let mut backoff = Backoff::new(&branch.shared().environment);
    while backoff.attempt().await {
        let head = branch.head().await?;
        let preview = check_with(patch, &head, already).await?;
        if !preview.conflicts.is_empty() {
            return Ok(Applied::Conflicts(preview.conflicts));
        }
        let skipped = preview.skipped;
        if preview.changes.is_empty() {
            return Ok(Applied::Done { receipt: None, skipped, unchecked: Vec::new() });
        }
        let Checked { violations, unchecked } = preview.check_rules(&head).await?;
        if !violations.is_empty() {
            return Ok(Applied::Violations(violations));
        }
        if already == Already::Refuse && !unchecked.is_empty() {
            return Ok(Applied::Unchecked(unchecked));
        }
        let mut attempt = request.clone();
        attempt.set_after(head.last().await?.digest);
        attempt.set_enforced(Enforced::Unique);
        for change in preview.changes {
            attempt.push_exact(change)?;
        }
        match branch.commit(attempt).await? {
            Outcome::Moved { .. } => {}
            outcome => {
                let receipt = Some(outcome.committed()?);
                return Ok(Applied::Done { receipt, skipped, unchecked });
            }
        }
    }
    Err(Error::conflict(format!(
        "other writers changed branch '{}' during every attempt; nothing was applied; try again",
        branch.name()
    )))
}
