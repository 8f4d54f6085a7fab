//! `argon restore …`

mod branch;
mod part;
pub(super) mod preview;
mod reset;

use argon_service::changes::{ComparedStates, Summary};
use argon_service::restore::ResetPreview;
use clap::Subcommand;

use crate::changes::summary_text;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::count;

/// Go back to a past state: preview a reset, reset a branch or a part of it, or make a branch from the past.
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

/// A reset in words.
fn describe(preview: &ResetPreview, summary: &Summary) -> String {
    let ComparedStates { from, to } = &preview.comparison.states;
    format!(
        "resetting {} from LSN {} to {} (LSN {}) leaves {} behind; documents: {}",
        from.branch,
        from.lsn,
        to.revision,
        to.lsn,
        count(preview.commits_left_behind, "commit"),
        summary_text(summary)
    )
}
