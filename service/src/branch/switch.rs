use argon_core::model::BranchName;
use argon_core::{Error, Revision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CreateBranch, create};
use crate::config::Config;
use crate::{Failure, Hint, Result, Workspace, json};

/// Make a branch the current one; create it before if requested.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct SwitchBranch {
    /// The branch; without it, the one that was current before.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub branch: Option<BranchName>,
    /// Whether the branch is created.
    #[serde(default)]
    pub create: bool,
    /// The state from which it is created; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Revision>,
}

/// The current branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CurrentBranch {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The position of its head.
    pub lsn: u64,
    /// The branch of which it was created, if this request created it.
    #[schemars(with = "Option<String>")]
    pub parent: Option<BranchName>,
}

/// Makes a branch of the workspace's project the current one.
///
/// # Errors
/// `NotFound` if it does not exist; `AlreadyExists` if it is to be created and exists; `Invalid` if none was current
/// before; `Unsupported` if the store has no place for what is current.
pub async fn switch(workspace: Workspace, request: SwitchBranch) -> Result<CurrentBranch> {
    let SwitchBranch { branch, create, from } = request;
    let current = workspace.opened.branch(workspace.project.name(), None);
    let branch = branch.or_else(|| previous(&workspace)).ok_or_else(none_before)?;
    let parent = if create { Some(created(&workspace, &branch, from).await?) } else { None };
    let workspace = Workspace { branch: branch.clone(), ..workspace };
    let lsn = workspace.branch().await?.info().await?.head.lsn.get();
    let before = if current == branch { previous(&workspace) } else { Some(current) };
    let project = Some(workspace.project.name().clone());
    let config = Config { project, branch: Some(branch.clone()), previous: before };
    workspace.opened.set_current(&config)?;
    Ok(CurrentBranch { branch, lsn, parent })
}

/// The branch of the project that was current before.
fn previous(workspace: &Workspace) -> Option<BranchName> {
    let config = &workspace.opened.config;
    let is_current = config.project.as_ref() == Some(workspace.project.name());
    config.previous.clone().filter(|_| is_current)
}

fn none_before() -> Failure {
    let error = Error::invalid("no other branch of this project was current before");
    Failure::from(error).hint(Hint::ListBranches)
}

/// Creates the branch, and returns its parent.
async fn created(
    workspace: &Workspace,
    branch: &BranchName,
    from: Option<Revision>,
) -> Result<BranchName> {
    let request = CreateBranch { branch: branch.clone(), from, read_only: false };
    Ok(create(workspace, request).await?.parent)
}
