use argon_core::Project;
use argon_core::model::BranchName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Let a branch take no commits, or take them again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct MakeReadOnly {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Whether it takes no commits.
    pub read_only: bool,
}

/// Whether a branch takes commits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BranchWritability {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Whether it takes no commits.
    pub read_only: bool,
}

/// Lets a branch take no commits, or take them again.
///
/// # Errors
/// `NotFound` if it is not there.
pub async fn set_read_only(project: &Project, request: MakeReadOnly) -> Result<BranchWritability> {
    let MakeReadOnly { branch, read_only } = request;
    project.set_read_only(&branch, read_only).await?;
    Ok(BranchWritability { branch, read_only })
}
