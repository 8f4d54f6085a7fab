use argon_core::BranchInfo;
use argon_core::model::BranchName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::Time;
use crate::{Result, Workspace};

/// List the branches of the project.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListBranches {
    /// Whether the backups are listed too that reset and delete have made.
    #[serde(default)]
    pub all: bool,
}

/// A branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct ListedBranch {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The position of its head.
    pub lsn: u64,
    /// The digest of its last commit.
    pub digest: String,
    /// When its last commit was made; none without commits.
    pub time: Option<Time>,
    /// The branch of which it was made.
    #[schemars(with = "Option<String>")]
    pub parent: Option<BranchName>,
    /// The position at which it left its parent.
    pub forked_at: u64,
    /// When it was made.
    pub created: Time,
    /// Whether it is protected.
    pub protected: bool,
    /// Whether it takes no commits.
    pub read_only: bool,
    /// When it ends, if it is a sandbox.
    pub ends: Option<Time>,
    /// Whether it is masked.
    pub masked: bool,
    /// Whether it is the current one.
    pub current: bool,
}

impl ListedBranch {
    /// What is known of a branch.
    pub fn of(info: BranchInfo, current: bool) -> Self {
        let has_commits = info.head.lsn.get() > 0;
        Self {
            branch: info.name,
            lsn: info.head.lsn.get(),
            digest: info.head.digest.to_string(),
            time: has_commits.then_some(Time(info.head.time)),
            parent: info.parent,
            forked_at: info.forked_at.get(),
            created: Time(info.created),
            protected: info.protected,
            read_only: info.read_only,
            ends: info.ends.map(Time),
            masked: info.masked,
            current,
        }
    }
}

/// Lists the branches by name.
pub async fn list(workspace: &Workspace, request: ListBranches) -> Result<Vec<ListedBranch>> {
    let branches = workspace.project.branches().await?.into_iter();
    let listed = branches.filter(|info| request.all || !info.name.is_backup()).map(|info| {
        let current = workspace.is_current(&info.name);
        ListedBranch::of(info, current)
    });
    Ok(listed.collect())
}
