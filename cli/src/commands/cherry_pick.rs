//! `argon cherry-pick`

use argon_core::merge::Strategy;
use argon_core::model::BranchName;
use argon_core::{Error, Revision};
use argon_service::changes::Listing;
use argon_service::plan::{self, CherryPick, PlanAction};
use clap::Args;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::{PolicyArgs, Report, changes_nothing};

const EXAMPLES: &str = "\
Examples:
  argon cherry-pick try@17                  onto the current branch
  argon cherry-pick try~2 try --onto main   two commits as one";

/// Repeat what commits elsewhere changed, all in one new commit or nothing.
///
/// The commits are taken in the order in which they are named.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CherryPickArgs {
    /// The states after the commits
    #[arg(value_name = "REV", required = true, value_parser = one)]
    revisions: Vec<Revision>,
    /// The branch that gets the commit [default: the current branch]
    #[arg(long, value_name = "BRANCH")]
    onto: Option<BranchName>,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The strategy for conflicts that no rule of the policy takes: ours, theirs, newest, max, min, sum,
    /// union, append, touched or by-key(FIELD) [default: the policy's own; without one they are left]
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<Strategy>,
    /// Save it as a plan for `argon merge resolve` and `argon merge apply`
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    signature: Signature,
}

fn one(text: &str) -> argon_core::Result<Revision> {
    if text.contains("..") {
        return Err(Error::invalid(
            "a range can't be picked: name the state after each commit, such as try~1 try",
        ));
    }
    text.parse()
}

impl CherryPickArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let rules = self.policy.rules(self.strategy)?;
        self.signature.notes.refuse_for_plan(self.plan)?;
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let request = CherryPick {
            revisions: self.revisions,
            onto: self.onto,
            action: if self.plan { PlanAction::Save } else { PlanAction::Commit },
            rules,
            signature: self.signature.into(),
            listing: Listing::default(),
        };
        let outcome = plan::cherry_pick(&workspace, request, &context.output).await?;
        let report = Report {
            listing: Listing::default(),
            advice: "--strategy or --policy FILE gives strategies for conflicts, and --plan saves a plan for \
                     `argon merge resolve`"
                .to_owned(),
            nothing: changes_nothing,
        };
        report.print(context, outcome).await
    }
}
