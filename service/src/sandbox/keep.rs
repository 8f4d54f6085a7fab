use argon_core::model::BranchName;
use argon_core::sandbox;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Result, Watcher, Workspace};

/// Make an ordinary branch of a sandbox.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct KeepSandbox {
    /// The sandbox.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Another name for it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub new_name: Option<BranchName>,
}

/// A branch that was a sandbox.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KeptSandbox {
    /// What it was called.
    #[schemars(with = "String")]
    pub from: BranchName,
    /// What it is called.
    #[schemars(with = "String")]
    pub to: BranchName,
}

/// Makes an ordinary branch of a sandbox, which does not end any more. If it is the current one, it
/// stays that.
///
/// # Errors
/// `NotFound` if it is not there; `AlreadyExists` if the name is taken.
pub async fn keep(
    workspace: &Workspace,
    request: KeepSandbox,
    watcher: &dyn Watcher,
) -> Result<KeptSandbox> {
    let KeepSandbox { branch: from, new_name } = request;
    let kept = sandbox::keep(&workspace.project, &from, new_name.as_ref()).await?;
    let to = kept.name().clone();
    workspace.follow(&from, &to, watcher);
    Ok(KeptSandbox { from, to })
}
