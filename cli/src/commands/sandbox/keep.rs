//! `argon sandbox keep`

use argon_core::model::BranchName;
use argon_service::sandbox::{self, KeepSandbox};
use clap::Args;

use super::OneSandbox;
use crate::context::Context;
use crate::exit::CommandResult;

/// Make an ordinary branch of a sandbox, which does not end any more.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox keep audit --as audit-2026")]
pub(crate) struct KeepArgs {
    #[command(flatten)]
    sandbox: OneSandbox,
    /// What to call it from now on [default: as it is called]
    #[arg(long = "as", value_name = "BRANCH")]
    another: Option<BranchName>,
}

impl KeepArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = KeepSandbox { branch: self.sandbox.name, new_name: self.another };
        let kept = sandbox::keep(&workspace, request, &context.output).await?;
        let words = format!("{} is kept as branch {}", kept.from, kept.to);
        context.output.reply(&words, &kept)
    }
}
