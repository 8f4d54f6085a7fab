//! `argon merge …`

mod abort;
mod apply;
mod list;
mod preview;
mod resolve;
mod show;

use argon_core::plan::PlanId;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;

/// Merge branches: preview a plan, resolve its conflicts, apply it.
#[derive(Subcommand)]
pub(crate) enum MergeCommand {
    Preview(preview::PreviewArgs),
    Show(show::ShowArgs),
    List(list::ListArgs),
    Resolve(resolve::ResolveArgs),
    Apply(apply::ApplyArgs),
    Abort(abort::AbortArgs),
}

impl MergeCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
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
