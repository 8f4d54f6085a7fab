use argon_core::Project;
use argon_core::plan::{self, SavedPlan, SavedPlanInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PlanStatus;
use super::shown::status_of;
use crate::Result;
use crate::json::Time;

/// List the plans of the project, the oldest first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListPlans {
    /// Whether applied and aborted plans are listed too.
    #[serde(default)]
    pub all: bool,
}

/// A saved plan.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedPlan {
    /// Its identifier.
    pub id: String,
    /// What it does, in words.
    pub what: String,
    /// The branch that gets the commit.
    pub branch: String,
    /// The position of the branch for which the plan was made.
    pub ours: u64,
    /// Its status.
    pub status: PlanStatus,
    /// The position of the commit that applied it.
    pub applied: Option<u64>,
    /// Who made it.
    pub actor: String,
    /// When it was made.
    pub created: Time,
    /// The message of its commit.
    pub message: String,
    /// The number of its decisions.
    pub decisions: u64,
}

impl From<SavedPlanInfo> for ListedPlan {
    fn from(info: SavedPlanInfo) -> Self {
        let (status, applied) = status_of(&info);
        Self {
            id: info.id.to_string(),
            what: info.what,
            branch: info.branch.to_string(),
            ours: info.ours.get(),
            status,
            applied,
            actor: info.actor,
            created: Time(info.created),
            message: info.message,
            decisions: info.decisions as u64,
        }
    }
}

/// Lists the plans of a project.
pub async fn list(project: &Project, request: ListPlans) -> Result<Vec<ListedPlan>> {
    let mut plans = SavedPlan::list(project).await?;
    plans.retain(|info| request.all || info.status == plan::PlanStatus::Open);
    Ok(plans.into_iter().map(ListedPlan::from).collect())
}
