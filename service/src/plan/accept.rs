//! The checks and hooks that a result must pass before it is committed.

use argon_core::Error;
use argon_core::checks::Checked;

use super::{BrokenRules, PlanReview, Refusal, UncheckedRule, UncheckedRules};
use crate::changes::Listing;
use crate::{Failure, Hint, Result, Watcher, hooks};

/// Checks a result without conflicts by the rules, then runs the hooks. Gives the rules that were not checked.
///
/// # Errors
/// `Denied` if a hook refuses; `Interrupted` if the watcher ends it. Nothing has been changed then.
pub(super) async fn accept(
    review: &PlanReview,
    strict: bool,
    watcher: &dyn Watcher,
) -> Result<Result<Vec<UncheckedRule>, Refusal>> {
    let Checked { violations, unchecked } =
        review.plan.check(&review.result, BrokenRules::LISTED + 1).await?;
    if !violations.is_empty() {
        return Ok(Err(Refusal::Broken(BrokenRules::of(&violations))));
    }
    let checks = &review.plan.rules().checks;
    let unchecked = UncheckedRules::of(&unchecked);
    if (strict || checks.strict) && !unchecked.unchecked.is_empty() {
        return Ok(Err(Refusal::Unchecked(unchecked)));
    }
    if !checks.hooks.is_empty() {
        let plan =
            serde_json::to_string(&review.shown(Listing::default()).await?).map_err(|error| {
                Error::internal("a plan can't be written as JSON").with_source(error)
            })?;
        // Dropping the future ends the hook and all that it started.
        tokio::select! {
            judged = hooks::run(&checks.hooks, &plan) => {
                judged.map_err(|error| Failure::from(error).hint(Hint::NothingApplied))?;
            }
            () = watcher.interrupt() => return Err(Failure::Interrupted),
        }
    }
    Ok(Ok(unchecked.unchecked))
}
