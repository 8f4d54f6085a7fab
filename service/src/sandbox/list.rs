use argon_core::model::BranchName;
use argon_core::{BranchInfo, Project, sandbox};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::json::Time;

/// List the sandboxes of the project.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListSandboxes {}

/// A sandbox.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedSandbox {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The position of its head.
    pub lsn: u64,
    /// The branch of which it was made.
    #[schemars(with = "Option<String>")]
    pub parent: Option<BranchName>,
    /// The position at which it left its parent.
    pub forked_at: u64,
    /// When it was made.
    pub created: Time,
    /// When it ends.
    pub ends: Option<Time>,
}

impl From<BranchInfo> for ListedSandbox {
    fn from(info: BranchInfo) -> Self {
        Self {
            branch: info.name,
            lsn: info.head.lsn.get(),
            parent: info.parent,
            forked_at: info.forked_at.get(),
            created: Time(info.created),
            ends: info.ends.map(Time),
        }
    }
}

/// Lists the sandboxes by name.
pub async fn list(project: &Project, _: ListSandboxes) -> Result<Vec<ListedSandbox>> {
    Ok(sandbox::list(project).await?.into_iter().map(ListedSandbox::from).collect())
}
