//! Resets of a branch to a past state, and restores of a part of one.

mod part;

use argon_core::{Branch, ErrorKind, Revision, State, restore};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::part::{
    PartPreview, PreviewPart, RestorePart, RestoredPart, preview_part, restore_part,
};
use crate::changes::{Comparison, Listing, NamedState, Summary};
use crate::index::{self, BuiltIndex};
use crate::{Failure, Hint, Result, Workspace, json};

/// Preview a reset of the current branch: what it would change, and how many commits it would leave behind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PreviewReset {
    /// The past state.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub revision: Revision,
    /// How the changes are listed.
    #[serde(flatten)]
    pub listing: Listing,
}

/// Reset the current branch to a past state; its present state is kept as a backup branch.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ResetBranch {
    /// The past state.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub revision: Revision,
}

/// A branch that was reset.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BranchReset {
    /// The branch.
    pub branch: String,
    /// Its position before.
    pub from: u64,
    /// Its position now.
    pub to: u64,
    /// The branch that keeps its state before.
    pub backup: String,
    /// The indexes that have no entries at the state, and those that were built.
    pub indexes: Vec<BuiltIndex>,
}

/// A reset that is previewed.
pub struct ResetPreview {
    /// From the head of the branch to the past state.
    pub comparison: Comparison,
    /// How many commits only the backup would keep.
    pub commits_left_behind: u64,
    branch: Branch,
    target: State,
}

/// Previews a reset of the current branch.
///
/// # Errors
/// `NotFound` if the state or the branch does not exist.
pub async fn preview(workspace: &Workspace, revision: &Revision) -> Result<ResetPreview> {
    let branch = workspace.branch().await?;
    let to = NamedState::resolve(workspace, revision.clone()).await?;
    let target = to.state.clone();
    let preview = restore::preview(&branch, &target).await?;
    let head = branch.at(preview.head).await?;
    let from = NamedState::of(workspace, workspace.head(), head);
    let commits_left_behind = preview.commits_left_behind;
    let mut comparison = Comparison::of([from, to], preview.diff);
    let left_behind = Some(commits_left_behind);
    comparison.summary = Summary { commits_left_behind: left_behind, ..Summary::default() };
    Ok(ResetPreview { comparison, commits_left_behind, branch, target })
}

/// Resets the current branch.
///
/// # Errors
/// Those of [`preview`] and [`ResetPreview::reset`].
pub async fn reset(workspace: &Workspace, request: &ResetBranch) -> Result<BranchReset> {
    preview(workspace, &request.revision).await?.reset().await
}

impl ResetPreview {
    /// Resets the branch to the state that was previewed.
    ///
    /// # Errors
    /// `Denied` for a protected or read-only branch; `Conflict` if the branch was moved meanwhile; `Invalid` if
    /// it is at the state already.
    pub async fn reset(&self) -> Result<BranchReset> {
        let reset = restore::reset(&self.branch, &self.target).await.map_err(|error| {
            Failure::from(error).hint_on(ErrorKind::Conflict, Hint::BranchMoved)
        })?;
        Ok(BranchReset {
            branch: self.branch.name().to_string(),
            from: reset.from.get(),
            to: reset.to.get(),
            backup: reset.backup.to_string(),
            indexes: index::build_brought(&self.branch, None).await,
        })
    }
}
