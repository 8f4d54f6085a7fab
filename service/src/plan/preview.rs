use argon_core::model::{BranchName, Message};
use argon_core::plan::{Plan, SavedPlan};
use argon_core::{Branch, ErrorKind, Named, Revision, State};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NothingToCommit, PlanOutcome, PlanReview, PlanRules};
use crate::changes::Listing;
use crate::{Result, Workspace, json};

/// Compute a merge and save it as a plan, which can be reviewed, resolved and applied.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PreviewMerge {
    /// The state that is merged, mostly a branch.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub source: Revision,
    /// The branch into which it is merged; without it, the current branch.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub into: Option<BranchName>,
    /// The rules of the plan.
    #[serde(flatten)]
    pub rules: PlanRules,
    /// The message of the commit; without it, what was merged.
    #[serde(default, deserialize_with = "json::message")]
    #[schemars(with = "Option<String>")]
    pub message: Option<Message>,
    /// How the changes are listed.
    #[serde(flatten)]
    pub listing: Listing,
}

/// Computes a merge and saves it as a plan, unless the branch has all of the source.
///
/// # Errors
/// `NotFound` if the state or the branch does not exist; `Invalid` for rules that can't be used.
pub async fn preview(workspace: &Workspace, request: PreviewMerge) -> Result<PlanOutcome> {
    let PreviewMerge { source, into, rules, message, .. } = request;
    let plan = match merge_plan(workspace, &source, into.as_ref(), rules).await? {
        Ok(plan) => plan,
        Err(nothing) => return Ok(PlanOutcome::Nothing(nothing)),
    };
    if plan.rules().checks.strict
        && let Some(refusal) = PlanReview::of(plan.clone()).await?.refuse_unchecked()?
    {
        return Ok(PlanOutcome::Refused(refusal));
    }
    let saved = SavedPlan::create(plan, &message.unwrap_or_default()).await?;
    Ok(PlanOutcome::Saved(PlanReview::of_saved(&saved).await?))
}

/// The plan of a merge, or that the branch has all of the source.
pub(super) async fn merge_plan(
    workspace: &Workspace,
    source: &Revision,
    into: Option<&BranchName>,
    rules: PlanRules,
) -> Result<Result<Plan, NothingToCommit>> {
    let source = source.explicit(&workspace.project).await?;
    let theirs = workspace.state(Some(&source)).await?;
    let name = name_of(&source, workspace);
    let target = workspace.branch_or_current(into).await?;
    match Plan::merge(&target, &name, &theirs, rules.into_rules()).await {
        Err(error) if error.kind() == ErrorKind::Invalid && has_all(&target, &theirs).await? => {
            Ok(Err(NothingToCommit {
                id: None,
                what: format!("merge {name}"),
                branch: target.name().clone(),
                lsn: None,
            }))
        }
        plan => Ok(Ok(plan?)),
    }
}

async fn has_all(target: &Branch, theirs: &State) -> Result<bool> {
    Ok(target.head().await?.has_merged(theirs).await?)
}

/// The name of a state in the log: as it was named, with its branch.
fn name_of(source: &Revision, workspace: &Workspace) -> String {
    match &source.name {
        Named::Current => {
            let name = Named::Any(workspace.branch.clone());
            Revision { name, ..source.clone() }.to_string()
        }
        _ => source.to_string(),
    }
}
