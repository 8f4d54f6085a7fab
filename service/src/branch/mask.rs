use argon_core::model::BranchName;
use argon_core::{Error, Project};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Result, mask_policy};

/// Show the policy of a masked branch, without its key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ShowMask {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
}

/// The mask of a branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BranchMask {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The policy as TOML.
    pub policy: String,
}

/// Returns the policy of a masked branch, without its key.
///
/// # Errors
/// `NotFound` if the branch does not exist or is not masked.
pub async fn mask(project: &Project, request: ShowMask) -> Result<BranchMask> {
    let branch = request.branch;
    let Some(policy) = project.branch(&branch).await?.mask_policy() else {
        return Err(Error::not_found(format!("branch '{branch}' is not masked")).into());
    };
    Ok(BranchMask { policy: mask_policy::text(&policy)?, branch })
}
