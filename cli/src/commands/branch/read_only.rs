//! `argon branch read-only` and `argon branch read-write`

use argon_core::model::BranchName;
use argon_service::branch::{self, MakeReadOnly};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// The arguments of both.
#[derive(Args)]
pub(crate) struct ReadOnlyArgs {
    /// The branch
    name: BranchName,
}

impl ReadOnlyArgs {
    pub(crate) async fn run(self, context: &Context, read_only: bool) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = MakeReadOnly { branch: self.name, read_only };
        let done = branch::set_read_only(&workspace.project, request).await?;
        let name = &done.branch;
        let words = if read_only {
            format!("branch {name} takes no commits now")
        } else {
            format!("branch {name} takes commits")
        };
        context.output.reply(&words, &done)
    }
}
