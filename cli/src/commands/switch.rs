//! `argon switch`

use argon_core::model::BranchName;
use argon_service::branch::{self, SwitchBranch};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// Make a branch the current one.
#[derive(Args)]
#[command(after_help = "Example:\n  argon switch try")]
pub(crate) struct SwitchArgs {
    /// The branch
    pub(super) name: BranchName,
}

impl SwitchArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let current = branch::switch(workspace, SwitchBranch { branch: self.name }).await?;
        let (branch, lsn) = (&current.branch, current.lsn);
        context.output.reply(&format!("branch {branch} is the current one, at LSN {lsn}"), &current)
    }
}
