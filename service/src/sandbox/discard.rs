use argon_core::model::BranchName;
use argon_core::{Error, sandbox};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Failure, Hint, Result, Workspace};

/// End a sandbox now.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DiscardSandbox {
    /// The sandbox, which is not the current branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
}

/// A sandbox that was ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiscardedSandbox {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The backup of what it was.
    #[schemars(with = "String")]
    pub backup: BranchName,
}

/// Ends a sandbox; what it was is kept as a backup.
///
/// # Errors
/// `NotFound` if it is not there; `Denied` if it is the current branch or protected.
pub async fn discard(workspace: &Workspace, request: DiscardSandbox) -> Result<DiscardedSandbox> {
    let branch = request.branch;
    if workspace.is_current(&branch) {
        let error = Error::denied(format!("sandbox '{branch}' is the current branch"));
        return Err(Failure::from(error).hint(Hint::LeaveBranch));
    }
    let backup = sandbox::discard(&workspace.project, &branch).await?;
    Ok(DiscardedSandbox { branch, backup })
}
