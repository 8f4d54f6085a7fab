use argon_core::model::{BranchName, Lsn, ProjectName};
use argon_core::{State, log};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::Time;
use crate::{Result, Workspace};

/// Show the readable states of a branch.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ShowReach {}

/// The readable states of a branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Reach {
    /// The project.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Every state from this position can be read.
    pub earliest_lsn: u64,
    /// The time of its commit, if the log has it.
    pub earliest_time: Option<Time>,
    /// The position of the head.
    pub latest_lsn: u64,
    /// The time of its commit, if the log has it.
    pub latest_time: Option<Time>,
    /// The number of commits in the log.
    pub commits: u64,
    /// The commits up to this position were removed.
    pub floor: u64,
}

/// Returns which states of the branch of a workspace can be read.
///
/// # Errors
/// `NotFound` if the branch does not exist.
pub async fn reach(workspace: &Workspace, _: ShowReach) -> Result<Reach> {
    let head = workspace.state(None).await?;
    let (earliest, floor) = (log::kept_from(&head).await?, log::floor(&head).await?);
    Ok(Reach {
        project: workspace.project.name().clone(),
        branch: workspace.branch.clone(),
        earliest_lsn: earliest.get(),
        earliest_time: time(&head, earliest, floor).await?,
        latest_lsn: head.lsn().get(),
        latest_time: time(&head, head.lsn(), floor).await?,
        commits: head.lsn().get() - floor.get(),
        floor: floor.get(),
    })
}

/// The time of a commit that is in the log.
async fn time(head: &State, lsn: Lsn, floor: Lsn) -> Result<Option<Time>> {
    if lsn <= floor {
        return Ok(None);
    }
    Ok(Some(Time(log::commit_at(head, lsn).await?.meta.time)))
}
