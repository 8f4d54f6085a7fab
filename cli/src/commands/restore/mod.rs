//! `argon restore …`

mod branch;
pub(super) mod preview;
mod reset;

use argon_core::restore::Preview;
use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::count;

/// Go back to a past state: look first, reset a branch, or make a branch of the past.
#[derive(Subcommand)]
pub(crate) enum RestoreCommand {
    Preview(preview::PreviewArgs),
    Reset(reset::ResetArgs),
    Branch(branch::BranchArgs),
}

impl RestoreCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Preview(args) => args.run(context).await,
            Self::Reset(args) => args.run(context).await,
            Self::Branch(args) => args.run(context).await,
        }
    }
}

/// Where a reset would go, in words.
fn describe(preview: &Preview, branch: &str, revision: &str) -> String {
    format!(
        "resetting {branch} from LSN {} to {revision} (LSN {}) leaves {} behind",
        preview.head,
        preview.target,
        count(preview.commits_left_behind, "commit")
    )
}
