//! From a plan that is not saved to a commit, or to a saved plan.

use argon_core::ErrorKind;
use argon_core::plan::{Plan, SavedPlan, Source};
use schemars::JsonSchema;
use serde::Deserialize;

use super::accept::accept;
use super::{CommittedPlan, NothingToCommit, PlanOutcome, PlanReview, Refusal};
use crate::collections::Signature;
use crate::{Failure, Hint, Result, Watcher};

/// What to do with a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanAction {
    /// Commit its result.
    #[default]
    Commit,
    /// Show its result, and change nothing.
    DryRun,
    /// Save it, to be resolved and applied later.
    Save,
}

/// Computes a plan, and does with it what is requested.
///
/// # Errors
/// `Conflict` if the branch moves meanwhile; those of [`accept`].
pub(super) async fn carry_out(
    plan: Plan,
    action: PlanAction,
    signature: Signature,
    watcher: &dyn Watcher,
) -> Result<PlanOutcome> {
    let review = PlanReview::of(plan).await?;
    // Each caller would have all of it on its stack.
    Box::pin(review.carry_out(action, signature, watcher)).await
}

impl PlanReview {
    /// Does with a plan that is not saved what is requested, after it was shown. The commit has exactly the result
    /// that was shown.
    ///
    /// # Errors
    /// `Conflict` if the branch has moved since; `Denied` if a hook refuses the result; `Interrupted` if the watcher
    /// ends it.
    pub async fn carry_out(
        self,
        action: PlanAction,
        signature: Signature,
        watcher: &dyn Watcher,
    ) -> Result<PlanOutcome> {
        if action != PlanAction::Commit
            && let Some(refusal) = self.refuse_unchecked()?
        {
            return Ok(PlanOutcome::Refused(refusal));
        }
        match action {
            PlanAction::Commit => Box::pin(commit(self, signature, watcher)).await,
            PlanAction::DryRun => Ok(PlanOutcome::Computed(self)),
            PlanAction::Save => {
                let message = signature.message.unwrap_or_default();
                let saved = SavedPlan::create(self.plan, &message).await?;
                Ok(PlanOutcome::Saved(Self::of_saved(&saved).await?))
            }
        }
    }
}

async fn commit(
    review: PlanReview,
    signature: Signature,
    watcher: &dyn Watcher,
) -> Result<PlanOutcome> {
    if !review.result.conflicts.is_empty() {
        return Ok(PlanOutcome::Refused(Refusal::Conflicts(Box::new(review))));
    }
    // A merge that changes nothing becomes part of the history all the same.
    let is_merge = matches!(review.plan.source(), Source::Merge { .. });
    if review.result.is_empty() && !is_merge {
        return Ok(PlanOutcome::Nothing(NothingToCommit {
            id: None,
            what: review.plan.what()?,
            branch: review.plan.branch().name().clone(),
            lsn: None,
        }));
    }
    let unchecked = match accept(&review, false, watcher).await? {
        Ok(unchecked) => unchecked,
        Err(refusal) => return Ok(PlanOutcome::Refused(refusal)),
    };
    let message = signature.message.unwrap_or_default();
    let receipt = review.plan.commit(&review.result, signature.actor, &message).await;
    let receipt = receipt
        .map_err(|error| Failure::from(error).hint_on(ErrorKind::Conflict, Hint::TryAgain))?;
    Ok(PlanOutcome::Committed(CommittedPlan::of(&review, receipt.lsn, unchecked).await?))
}
