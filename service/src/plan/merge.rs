use argon_core::Revision;
use argon_core::model::BranchName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::carry_out::carry_out;
use super::preview::merge_plan;
use super::{PlanAction, PlanOutcome, PlanRules};
use crate::changes::Listing;
use crate::collections::Signature;
use crate::{Result, Watcher, Workspace, json};

/// Merge a state into a branch.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct MergeState {
    /// The state that is merged, mostly a branch.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub source: Revision,
    /// The branch into which it is merged; without it, the current branch.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub into: Option<BranchName>,
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

/// Merges a state into a branch, unless the branch has all of it.
///
/// # Errors
/// `NotFound` if the state or the branch does not exist; `Invalid` for rules that can't be used; `Conflict` if the
/// branch moves meanwhile; `Denied` if a hook refuses the result.
pub async fn merge(
    workspace: &Workspace,
    request: MergeState,
    watcher: &dyn Watcher,
) -> Result<PlanOutcome> {
    let MergeState { source, into, action, rules, signature, .. } = request;
    match merge_plan(workspace, &source, into.as_ref(), rules).await? {
        Ok(plan) => carry_out(plan, action, signature, watcher).await,
        Err(nothing) => Ok(PlanOutcome::Nothing(nothing)),
    }
}
