use argon_core::Error;
use argon_core::model::BranchName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Failure, Hint, Result, Workspace};

/// Delete a branch.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeleteBranch {
    /// The branch, which is not the current one.
    #[schemars(with = "String")]
    pub branch: BranchName,
}

/// A branch that was deleted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BranchDeleted {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The backup from which it can be made again; none is kept of a backup.
    #[schemars(with = "Option<String>")]
    pub backup: Option<BranchName>,
}

impl DeleteBranch {
    /// Refuses to delete the current branch.
    ///
    /// # Errors
    /// `Denied` if it is.
    pub fn check(&self, workspace: &Workspace) -> Result {
        if workspace.is_current(&self.branch) {
            let error = Error::denied(format!("branch '{}' is the current one", self.branch));
            return Err(Failure::from(error).hint(Hint::LeaveBranch));
        }
        Ok(())
    }
}

/// Deletes a branch; what it was is kept as a backup, unless it is one.
///
/// # Errors
/// `NotFound` if it is not there; `Denied` if it is protected or the current one.
pub async fn delete(workspace: &Workspace, request: DeleteBranch) -> Result<BranchDeleted> {
    request.check(workspace)?;
    let backup = workspace.project.delete_branch(&request.branch).await?;
    Ok(BranchDeleted { branch: request.branch, backup })
}
