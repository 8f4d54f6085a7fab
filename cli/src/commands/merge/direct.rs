//! `argon merge BRANCH`

use argon_core::merge::Strategy;
use argon_core::model::BranchName;
use argon_core::{Error, Revision};
use argon_service::changes::Listing;
use argon_service::collections::Signature as CommitSignature;
use argon_service::plan::{self, MergeState, PlanAction, PlanOutcome, PlanReview};
use clap::Args;

use super::preview::has_all;
use crate::args::{ListingArgs, Signature};
use crate::commands::confirm::Confirmation;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{count, escape};
use crate::plans::{PolicyArgs, Report, print_plan, show};

/// A merge in one command.
#[derive(Args)]
pub(super) struct DirectArgs {
    /// The state that is merged, mostly a branch
    #[arg(value_name = "BRANCH", required = true)]
    source: Option<Revision>,
    /// The branch into which it is merged [default: the current branch]
    #[arg(long, value_name = "BRANCH")]
    into: Option<BranchName>,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The strategy for conflicts that no rule of the policy takes: ours, theirs, newest, max, min, sum,
    /// union, append, touched or by-key(FIELD) [default: the policy's own; without one they are left]
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<Strategy>,
    #[command(flatten)]
    listing: ListingArgs,
    #[command(flatten)]
    signature: Signature,
}

impl DirectArgs {
    pub(super) async fn run(self, context: &Context) -> CommandResult {
        let rules = self.policy.rules(self.strategy)?;
        let source = self.source.ok_or_else(|| Error::internal("no state to merge is named"))?;
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let (listing, name) = (self.listing.listing(), source.to_string());
        let signature: CommitSignature = self.signature.into();
        // What is committed is what was shown; programs get the commit alone.
        let request = MergeState {
            source,
            into: self.into,
            action: PlanAction::DryRun,
            rules,
            signature: signature.clone(),
            listing,
        };
        let review = match plan::merge(&workspace, request, &context.output).await? {
            PlanOutcome::Computed(review) if review.conflicts() > 0 => {
                return save(context, review, signature, listing).await;
            }
            PlanOutcome::Computed(review) => review,
            other => return report(listing).print(context, other).await,
        };
        if context.output.is_table() {
            print_plan(context, &review, listing).await?;
        }
        self.confirmation.ask_input(
            &format!("merge {name} into {}?", review.branch()),
            &format!(
                "--yes merges without asking; `argon merge preview {}` saves a plan",
                escape::argument(&name)
            ),
        )?;
        let outcome = review.carry_out(PlanAction::Commit, signature, &context.output).await?;
        report(Listing::default()).print(context, outcome).await
    }
}

fn report(listing: Listing) -> Report {
    Report { listing, advice: String::new(), nothing: has_all }
}

/// Saves a merge with conflicts as a plan, and shows what to do.
async fn save(
    context: &Context,
    review: PlanReview,
    signature: CommitSignature,
    listing: Listing,
) -> CommandResult {
    let outcome = review.carry_out(PlanAction::Save, signature, &context.output).await?;
    let PlanOutcome::Saved(review) = outcome else {
        return report(listing).print(context, outcome).await;
    };
    show(context, &review, listing).await?;
    let (left, id) = (review.conflicts(), review.id().unwrap_or_default());
    let are = if left == 1 { "is" } else { "are" };
    let error = Error::conflict(format!(
        "{} {are} left to decide; nothing was merged, and plan {id} is saved",
        count(left, "conflict")
    ));
    Err(Failure::from(error).hint(format!(
        "`argon merge resolve {id} …` decides, `argon merge apply {id}` merges, `argon merge abort {id}` gives up"
    )))
}
