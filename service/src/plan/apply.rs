use argon_core::plan::{PlanId, PlanStatus, Rebased, SavedPlan};
use argon_core::{Error, ErrorKind};
use schemars::JsonSchema;
use serde::Deserialize;

use super::accept::accept;
use super::conflict::place;
use super::{CommittedPlan, NothingToCommit, PlanOutcome, PlanReview, Refusal};
use crate::collections::Signature;
use crate::words::count;
use crate::{Failure, Hint, Result, Watcher, Workspace, hooks, json};

/// Commit the result of a saved plan: all of it in one commit, exactly once, or nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ApplyPlan {
    /// The plan, by its identifier or the first digits of it.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub plan: PlanId,
    /// Whether the plan is rebased on the head of the branch if that has moved. Decisions are kept, except those
    /// about documents that have changed since.
    #[serde(default)]
    pub rebase: bool,
    /// Whether the hooks of the policy may run on this machine; without it, a plan with hooks is refused.
    #[serde(default)]
    pub run_hooks: bool,
    /// Whether the result is refused if a rule of its collections can't be checked.
    #[serde(default)]
    pub strict: bool,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// Commits the result of a saved plan. A plan whose result changes nothing is closed, except a merge, which
/// becomes part of the history.
///
/// # Errors
/// `Conflict` if it was applied, or the branch has moved; `Invalid` if it is closed; `Denied` if it has hooks
/// that may not run, or a hook refuses the result.
pub async fn apply(
    workspace: &Workspace,
    request: ApplyPlan,
    watcher: &dyn Watcher,
) -> Result<PlanOutcome> {
    let mut saved = SavedPlan::open(&workspace.project, &request.plan).await?;
    let id = saved.id().to_string();
    if let PlanStatus::Applied(lsn) = saved.info()?.status {
        return Err(Error::conflict(format!("plan {id} was already applied, as LSN {lsn}")).into());
    }
    saved.must_be_open()?;
    if !request.run_hooks {
        refuse_hooks(&saved)?;
    }
    let is_committed = saved.find_commit().await?.is_some();
    if !is_committed && !saved.plan().is_current().await? {
        rebase(&mut saved, request.rebase, watcher).await?;
    }
    let review = PlanReview::of_saved(&saved).await?;
    if !is_committed && saved.close_if_nothing(&review.result).await? {
        return Ok(PlanOutcome::Nothing(NothingToCommit {
            id: Some(id),
            what: review.plan.what()?,
            branch: review.plan.branch().name().clone(),
            lsn: None,
        }));
    }
    let mut unchecked = Vec::new();
    if !is_committed {
        if !review.result.conflicts.is_empty() {
            return Ok(PlanOutcome::Refused(Refusal::Conflicts(Box::new(review))));
        }
        unchecked = match accept(&review, request.strict, watcher).await? {
            Ok(unchecked) => unchecked,
            Err(refusal) => return Ok(PlanOutcome::Refused(refusal)),
        };
    }
    let Signature { actor, message } = request.signature;
    let lsn = saved.apply(&review.result, actor, message.as_ref()).await;
    let lsn =
        lsn.map_err(|error| Failure::from(error).hint_on(ErrorKind::Conflict, Hint::RebasePlan))?;
    let left_open = saved.left_open().map(Error::in_full);
    let committed = CommittedPlan::of(&review, lsn, unchecked).await?;
    Ok(PlanOutcome::Committed(CommittedPlan { id: Some(id), left_open, ..committed }))
}

/// Refuses a plan with hooks: somebody else may have saved it, with commands of their choice.
fn refuse_hooks(saved: &SavedPlan) -> Result {
    let hooks = &saved.plan().rules().checks.hooks;
    if hooks.is_empty() {
        return Ok(());
    }
    let commands: Vec<String> = hooks.iter().map(hooks::shown).collect();
    let error = Error::denied(format!(
        "plan {} has hooks, which would run on this machine:\n{}",
        saved.id(),
        commands.join("\n")
    ));
    Err(Failure::from(error).hint(Hint::AllowHooks))
}

/// Rebases a plan on the head of its branch, if the request allows it.
async fn rebase(saved: &mut SavedPlan, is_allowed: bool, watcher: &dyn Watcher) -> Result {
    let (id, plan) = (saved.id().clone(), saved.plan());
    if !is_allowed {
        let error = Error::conflict(format!(
            "branch '{}' has moved on since LSN {}, for which plan {id} was made",
            plan.branch().name(),
            plan.ours().lsn(),
        ));
        return Err(Failure::from(error).hint(Hint::RebasePlan));
    }
    let Rebased { kept, taken_back } = saved.rebase().await?;
    let (lsn, kept) = (saved.plan().ours().lsn(), count(kept as u64, "decision"));
    watcher.reports(&format!("plan {id} is rebased on LSN {lsn}; {kept} kept"));
    for (collection, key) in &taken_back {
        let place = place(collection, key.as_ref());
        watcher.notes(&format!(
            "the decisions about {place} are withdrawn, because it has changed since"
        ));
    }
    Ok(())
}
