use std::time::Duration;

use argon_core::model::BranchName;
use argon_core::{Environment, Revision, sandbox};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_ttl;
use crate::json::Time;
use crate::{Result, Workspace, duration, json};

/// Make a branch that ends by itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateSandbox {
    /// The state it starts from; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Revision>,
    /// How long it lives, and at least for how long after the last commit, such as `15m` or `7d`.
    #[serde(deserialize_with = "duration::from_text")]
    #[schemars(with = "String")]
    pub ttl: Duration,
    /// Its name, which begins with `sandbox/`; without it, one is made up.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub branch: Option<BranchName>,
}

/// A sandbox that was made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CreatedSandbox {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The branch of which it was made.
    #[schemars(with = "String")]
    pub parent: BranchName,
    /// The position at which it left its parent.
    pub lsn: u64,
    /// When it ends.
    pub ends: Time,
}

/// Makes a sandbox; it costs one write, whatever the size of the data.
///
/// # Errors
/// `AlreadyExists` if there is a branch of that name; `Invalid` for a life without an end.
pub async fn create(
    workspace: &Workspace,
    environment: &Environment,
    request: CreateSandbox,
) -> Result<CreatedSandbox> {
    let CreateSandbox { from, ttl, branch } = request;
    check_ttl(ttl, environment)?;
    let (state, parent) = workspace.named_state(from.as_ref()).await?;
    let project = &workspace.project;
    let (made, end) = sandbox::create(project, &state, &parent, branch.as_ref(), ttl).await?;
    let (branch, lsn) = (made.name().clone(), state.lsn().get());
    Ok(CreatedSandbox { branch, parent, lsn, ends: Time(end) })
}
