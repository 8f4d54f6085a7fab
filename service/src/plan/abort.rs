use argon_core::Project;
use argon_core::plan::{PlanId, SavedPlan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PlanStatus;
use crate::{Result, json};

/// Abort a saved plan; nothing else is changed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AbortPlan {
    /// The plan, by its identifier or the first digits of it.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub plan: PlanId,
}

/// A plan that was aborted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AbortedPlan {
    /// Its identifier.
    pub id: String,
    /// Its status: always `aborted`.
    pub status: PlanStatus,
}

/// Aborts a saved plan.
///
/// # Errors
/// `NotFound` if the plan does not exist; `Invalid` if it is closed.
pub async fn abort(project: &Project, request: &AbortPlan) -> Result<AbortedPlan> {
    let id = SavedPlan::abort(project, &request.plan).await?.to_string();
    Ok(AbortedPlan { id, status: PlanStatus::Aborted })
}
