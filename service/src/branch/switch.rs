use argon_core::model::BranchName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::{Result, Workspace};

/// Make a branch the current one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct SwitchBranch {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
}

/// The current branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CurrentBranch {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The position of its head.
    pub lsn: u64,
}

/// Makes a branch of the workspace's project the current one.
///
/// # Errors
/// `NotFound` if it does not exist; `Unsupported` if the store has no place for what is current.
pub async fn switch(workspace: Workspace, request: SwitchBranch) -> Result<CurrentBranch> {
    let SwitchBranch { branch } = request;
    let workspace = Workspace { branch: branch.clone(), ..workspace };
    let lsn = workspace.branch().await?.info().await?.head.lsn.get();
    let project = Some(workspace.project.name().clone());
    workspace.opened.set_current(&Config { project, branch: Some(branch.clone()) })?;
    Ok(CurrentBranch { branch, lsn })
}
