//! `argon branch protect` and `argon branch unprotect`

use argon_core::model::BranchName;
use argon_service::branch::{self, ProtectBranch};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// The arguments of both.
#[derive(Args)]
pub(crate) struct ProtectArgs {
    /// The branch
    name: BranchName,
}

impl ProtectArgs {
    pub(crate) async fn run(self, context: &Context, protected: bool) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = ProtectBranch { branch: self.name, protected };
        let done = branch::protect(&workspace.project, request).await?;
        let name = &done.branch;
        let words = if protected {
            format!("branch {name} can't be reset, renamed or deleted now")
        } else {
            format!("branch {name} is not protected any more")
        };
        context.output.reply(&words, &done)
    }
}
