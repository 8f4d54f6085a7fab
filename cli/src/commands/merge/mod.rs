//! `argon merge`, and `argon merge …`

mod abort;
mod apply;
mod direct;
mod list;
mod preview;
mod resolve;
mod show;

use argon_core::plan::PlanId;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon merge try                         into the current branch, after a question
  argon merge try --into main --yes -m 'prices of autumn'
  argon merge try --strategy theirs       conflicts go the way of try
  argon merge preview try                 a plan for somebody else to review";

/// Merge a branch: preview it, and apply it if you agree; or save it as a plan.
///
/// A change of only one side is taken from it, field by field. If both sides changed a value differently, nothing is
/// merged: the merge is saved as a plan, whose conflicts `argon merge resolve` decides before `argon merge apply`
/// commits it. The answer is read from standard input.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    direct: direct::DirectArgs,
    #[command(subcommand)]
    command: Option<MergeCommand>,
}

impl MergeArgs {
    /// Whether it only shows plans.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.command, Some(MergeCommand::Show(_) | MergeCommand::List(_)))
    }

    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self.command {
            Some(command) => command.run(context).await,
            None => self.direct.run(context).await,
        }
    }
}

#[derive(Subcommand)]
enum MergeCommand {
    Preview(preview::PreviewArgs),
    Show(show::ShowArgs),
    List(list::ListArgs),
    Resolve(resolve::ResolveArgs),
    Apply(apply::ApplyArgs),
    Abort(abort::AbortArgs),
}

impl MergeCommand {
    async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Preview(args) => args.run(context).await,
            Self::Show(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Resolve(args) => args.run(context).await,
            Self::Apply(args) => args.run(context).await,
            Self::Abort(args) => args.run(context).await,
        }
    }
}

/// The plan of a command that needs one.
#[derive(Args)]
struct InPlan {
    /// The plan, by its identifier or the first digits of it; `argon merge list` lists the plans
    #[arg(value_name = "PLAN")]
    plan: PlanId,
}
