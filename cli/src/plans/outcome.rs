//! The outcome of an operation that makes or applies a plan.

use argon_core::model::Lsn;
use argon_service::changes::{Detail, Listing};
use argon_service::plan::{CommittedPlan, NothingToCommit, PlanOutcome, PlanReview, Refusal};

use super::checks::{note_indexes, note_rules, print_json};
use super::conflicts;
use super::shown::{changes_text, print_plan, show};
use crate::context::Context;
use crate::exit::{CommandResult, Failure};

/// How many conflicts a refusal lists.
const LISTED: usize = 20;

/// How an outcome is reported.
pub(crate) struct Report {
    /// How a plan is listed.
    pub(crate) listing: Listing,
    /// What to do if conflicts are left.
    pub(crate) advice: String,
    /// The words for a result that changes nothing.
    pub(crate) nothing: fn(&NothingToCommit) -> String,
}

/// The words for an operation whose result changes nothing.
pub(crate) fn changes_nothing(nothing: &NothingToCommit) -> String {
    let NothingToCommit { what, branch, .. } = nothing;
    format!("{what} changes nothing: branch '{branch}' is like that already")
}

impl Report {
    /// Prints an outcome.
    ///
    /// # Errors
    /// The refusal of a result.
    pub(crate) async fn print(self, context: &Context, outcome: PlanOutcome) -> CommandResult {
        match outcome {
            PlanOutcome::Committed(plan) => committed(context, &plan),
            PlanOutcome::Nothing(nothing) => {
                let words = (self.nothing)(&nothing);
                match nothing.id {
                    Some(_) => context.output.say(&words),
                    None => context.output.note(&words),
                }
                print_json(&context.output, &nothing)
            }
            PlanOutcome::Computed(review) => {
                print_plan(context, &review, self.listing).await?;
                context.output.say("nothing was changed");
                Ok(())
            }
            PlanOutcome::Saved(review) => show(context, &review, self.listing).await,
            PlanOutcome::Refused(refusal) => {
                let error = refusal.error();
                print_refusal(context, refusal).await?;
                Err(Failure::from(error).hint(self.advice))
            }
        }
    }
}

/// Prints the commit, and the rules of it that were not checked.
fn committed(context: &Context, plan: &CommittedPlan) -> CommandResult {
    let output = &context.output;
    let CommittedPlan { id, what, branch, lsn, counts, unchecked, indexes, left_open } = plan;
    output.committed(Lsn::new(*lsn), branch);
    if let (Some(id), Some(error)) = (id, left_open) {
        output.note(&format!(
            "the commit is made, but plan {id} could not be closed: {error}; `argon merge apply {id}` closes it"
        ));
    }
    note_rules(output, unchecked);
    output.reply(&format!("{what} is LSN {lsn} of {branch}: {}", changes_text(counts)), plan)?;
    note_indexes(output, indexes);
    Ok(())
}

/// Prints why a result is refused, as far as the error does not.
async fn print_refusal(context: &Context, refusal: Refusal) -> CommandResult {
    match refusal {
        Refusal::Conflicts(review) => print_conflicts(context, &review).await,
        Refusal::Broken(rules) => print_json(&context.output, &rules),
        Refusal::Unchecked(rules) => print_json(&context.output, &rules),
    }
}

async fn print_conflicts(context: &Context, review: &PlanReview) -> CommandResult {
    let output = &context.output;
    if !output.is_table() {
        print_plan(context, review, Listing::default()).await?;
        return Ok(());
    }
    let listing = Listing { detail: Detail::Stat, ..Listing::default() };
    output.print(&conflicts::text(&review.shown(listing).await?.conflicts, LISTED))
}
