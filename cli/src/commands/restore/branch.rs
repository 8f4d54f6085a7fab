//! `argon restore branch`

use argon_core::Revision;
use argon_core::model::BranchName;
use argon_service::branch::CreateBranch;
use clap::Args;

use crate::commands::branch::create::create;
use crate::context::Context;
use crate::exit::CommandResult;

/// Make a branch from a past state; the current branch stays as it is.
#[derive(Args)]
#[command(after_help = "Example:\n  argon restore branch main@2026-07-07 --as before-the-mistake")]
pub(crate) struct BranchArgs {
    /// The past state
    #[arg(value_name = "REV")]
    revision: Revision,
    /// The name of the branch
    #[arg(long = "as", value_name = "NAME")]
    name: BranchName,
}

impl BranchArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let from = Some(self.revision);
        let request = CreateBranch { branch: self.name, from, read_only: false };
        create(context, &workspace, request).await
    }
}
