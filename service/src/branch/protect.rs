use argon_core::Project;
use argon_core::model::BranchName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Protect a branch, or end its protection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ProtectBranch {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Whether it can't be reset, renamed or deleted.
    pub protected: bool,
}

/// Whether a branch is protected.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BranchProtection {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Whether it can't be reset, renamed or deleted.
    pub protected: bool,
}

/// Protects a branch, or ends its protection.
///
/// # Errors
/// `NotFound` if it is not there.
pub async fn protect(project: &Project, request: ProtectBranch) -> Result<BranchProtection> {
    let ProtectBranch { branch, protected } = request;
    project.set_protected(&branch, protected).await?;
    Ok(BranchProtection { branch, protected })
}
