use argon_core::plan::{PlanId, SavedPlan};
use schemars::JsonSchema;
use serde::Deserialize;

use super::PlanReview;
use crate::changes::Listing;
use crate::{Result, Workspace, json};

/// Show a saved plan: its changes, and the conflicts that are left.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ShowPlan {
    /// The plan, by its identifier or the first digits of it.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub plan: PlanId,
    /// How the changes are listed.
    #[serde(flatten)]
    pub listing: Listing,
}

/// Computes a saved plan.
///
/// # Errors
/// `NotFound` if the plan does not exist, or is closed and its states were collected; `Invalid` if several
/// plans begin with these digits.
pub async fn show(workspace: &Workspace, request: &ShowPlan) -> Result<PlanReview> {
    PlanReview::of_saved(&SavedPlan::open(&workspace.project, &request.plan).await?).await
}
