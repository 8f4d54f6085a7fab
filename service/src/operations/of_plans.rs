//! Operations that make, show and apply plans.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Target, operations};
use crate::changes::Listing;
use crate::plan::{
    AbortPlan, AbortedPlan, ApplyPlan, CherryPick, CommittedPlan, DecideConflicts, ListPlans,
    ListedPlan, MergeState, NothingToCommit, PlanOutcome, PlanReview, PlanRules, Refusal,
    ResolveConflicts, ResolvedPlan, ShowPlan, ShownPlan, UndoCommits,
};
use crate::{Result, plan};

/// What came of a plan.
#[derive(Serialize, JsonSchema)]
struct ShownOutcome {
    /// What was done.
    outcome: OutcomeKind,
    /// The plan, unless it is committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<ShownPlan>,
    /// The commit; its position is null if there was nothing to commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<OutcomeCommit>,
}

/// What was done with a plan.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OutcomeKind {
    /// Its result is committed.
    Committed,
    /// There was nothing to commit.
    Nothing,
    /// It was computed, and nothing was changed.
    Computed,
    /// It was saved.
    Saved,
    /// Conflicts are left; nothing was changed.
    Conflicts,
}

/// The commit of a plan.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum OutcomeCommit {
    /// It is made.
    Committed(Box<CommittedPlan>),
    /// There was nothing to commit.
    Nothing(NothingToCommit),
}

async fn shown(outcome: PlanOutcome, listing: Listing) -> Result<ShownOutcome> {
    let of_review = async |outcome, review: &PlanReview| -> Result<ShownOutcome> {
        Ok(ShownOutcome { outcome, plan: Some(review.shown(listing).await?), commit: None })
    };
    let of_commit =
        |outcome, commit| Ok(ShownOutcome { outcome, plan: None, commit: Some(commit) });
    match outcome {
        PlanOutcome::Committed(commit) => {
            of_commit(OutcomeKind::Committed, OutcomeCommit::Committed(Box::new(commit)))
        }
        PlanOutcome::Nothing(nothing) => {
            of_commit(OutcomeKind::Nothing, OutcomeCommit::Nothing(nothing))
        }
        PlanOutcome::Computed(review) => of_review(OutcomeKind::Computed, &review).await,
        PlanOutcome::Saved(review) => of_review(OutcomeKind::Saved, &review).await,
        PlanOutcome::Refused(Refusal::Conflicts(review)) => {
            of_review(OutcomeKind::Conflicts, &review).await
        }
        PlanOutcome::Refused(refusal) => Err(refusal.error()),
    }
}

/// Refuses a policy with hooks from elsewhere: they are commands of this machine.
fn refuse_hooks(target: &Target, rules: &PlanRules) -> Result {
    if rules.policy.checks.hooks.is_empty() { Ok(()) } else { target.require_local("hooks") }
}

operations! {
    |target, output|
    "merge" Write Project(workspace), request: MergeState => One<ShownOutcome> = {
        let listing = request.listing;
        refuse_hooks(target, &request.rules)?;
        shown(plan::merge(workspace, request, &*target.watcher).await?, listing).await?
    };
    "undo" Write Project(workspace), request: UndoCommits => One<ShownOutcome> = {
        let listing = request.listing;
        refuse_hooks(target, &request.rules)?;
        shown(plan::undo(workspace, request, &*target.watcher).await?, listing).await?
    };
    "cherry_pick" Write Project(workspace), request: CherryPick => One<ShownOutcome> = {
        let listing = request.listing;
        refuse_hooks(target, &request.rules)?;
        shown(plan::cherry_pick(workspace, request, &*target.watcher).await?, listing).await?
    };
    "plan.list" Read Project(workspace), request: ListPlans => One<Vec<ListedPlan>> =
        plan::list(&workspace.project, request).await?;
    "plan.show" Read Project(workspace), request: ShowPlan => One<ShownPlan> =
        plan::show(workspace, &request).await?.shown(request.listing).await?;
    "plan.resolve" Write Project(workspace), request: ResolveConflicts => One<ResolvedPlan> =
        plan::resolve(workspace, request).await?;
    "plan.decide" Write Project(workspace), request: DecideConflicts => One<ResolvedPlan> =
        plan::decide(workspace, request).await?;
    "plan.apply" Write Project(workspace), request: ApplyPlan => One<ShownOutcome> = {
        if request.run_hooks {
            target.require_local("that hooks run")?;
        }
        let outcome = plan::apply(workspace, request, &*target.watcher).await?;
        shown(outcome, Listing::default()).await?
    };
    "plan.abort" Destroy Project(workspace), request: AbortPlan => One<AbortedPlan> =
        plan::abort(&workspace.project, &request).await?;
}
