//! `argon branch rename`

use argon_core::model::BranchName;
use argon_service::branch::{self, RenameBranch};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// Give a branch another name.
#[derive(Args)]
#[command(after_help = "Example:\n  argon branch rename try feature/login")]
pub(crate) struct RenameArgs {
    /// What it is called
    from: BranchName,
    /// What it shall be called
    to: BranchName,
}

impl RenameArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = RenameBranch { from: self.from, to: self.to };
        let renamed = branch::rename(&workspace, request, &context.output).await?;
        let words = format!("branch {} is called {} now", renamed.from, renamed.to);
        context.output.reply(&words, &renamed)
    }
}
