use argon_core::model::BranchName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Result, Watcher, Workspace};

/// Give a branch another name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct RenameBranch {
    /// What it is called.
    #[schemars(with = "String")]
    pub from: BranchName,
    /// What it shall be called.
    #[schemars(with = "String")]
    pub to: BranchName,
}

/// A branch that has another name.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RenamedBranch {
    /// What it was called.
    #[schemars(with = "String")]
    pub from: BranchName,
    /// What it is called.
    #[schemars(with = "String")]
    pub to: BranchName,
}

/// Gives a branch another name. If it is the current one, it stays that.
///
/// # Errors
/// `NotFound` if it is not there; `AlreadyExists` if the name is taken; `Denied` if it is protected.
pub async fn rename(
    workspace: &Workspace,
    request: RenameBranch,
    watcher: &dyn Watcher,
) -> Result<RenamedBranch> {
    let RenameBranch { from, to } = request;
    workspace.project.rename_branch(&from, &to).await?;
    workspace.follow(&from, &to, watcher);
    Ok(RenamedBranch { from, to })
}
