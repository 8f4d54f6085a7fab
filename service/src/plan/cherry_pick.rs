use argon_core::Revision;
use argon_core::model::BranchName;
use argon_core::plan::Plan;
use schemars::JsonSchema;
use serde::Deserialize;

use super::carry_out::carry_out;
use super::{PlanAction, PlanOutcome, PlanRules};
use crate::changes::Listing;
use crate::collections::Signature;
use crate::{Result, Watcher, Workspace, json};

/// Repeat what commits elsewhere changed, all in one new commit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CherryPick {
    /// The states after the commits, in the order in which they are applied.
    #[serde(deserialize_with = "json::texts")]
    #[schemars(with = "Vec<String>")]
    pub revisions: Vec<Revision>,
    /// The branch that gets the commit; without it, the current branch.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub onto: Option<BranchName>,
    /// What to do with the plan.
    #[serde(default)]
    pub action: PlanAction,
    /// The rules of the plan.
    #[serde(flatten)]
    pub rules: PlanRules,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
    /// How the changes are listed.
    #[serde(flatten)]
    pub listing: Listing,
}

/// Repeats what commits elsewhere changed.
///
/// # Errors
/// `NotFound` if a state or the branch does not exist; `Invalid` for an empty state; `Conflict` if the branch
/// moves meanwhile; `Denied` if a hook refuses the result.
pub async fn cherry_pick(
    workspace: &Workspace,
    request: CherryPick,
    watcher: &dyn Watcher,
) -> Result<PlanOutcome> {
    let CherryPick { revisions, onto, action, rules, signature, .. } = request;
    let mut commits = Vec::with_capacity(revisions.len());
    for revision in &revisions {
        commits.push(workspace.state(Some(revision)).await?);
    }
    let branch = workspace.branch_or_current(onto.as_ref()).await?;
    let plan = Plan::cherry_pick(&branch, commits, rules.into_rules()).await?;
    carry_out(plan, action, signature, watcher).await
}
