//! `argon branch mask`

use argon_core::model::BranchName;
use argon_service::branch::{self, ShowMask};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// Print the policy of a masked branch, without its key.
#[derive(Args)]
#[command(after_help = "Example:\n  argon branch mask shared > mask.toml")]
pub(crate) struct MaskArgs {
    /// The branch
    name: BranchName,
}

impl MaskArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let mask = branch::mask(&workspace.project, ShowMask { branch: self.name }).await?;
        context.output.result(|| mask.policy.trim_end().to_owned(), &mask)
    }
}
