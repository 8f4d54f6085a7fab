//! `argon sandbox discard`

use argon_service::sandbox::{self, DiscardSandbox};
use clap::Args;

use super::OneSandbox;
use crate::context::Context;
use crate::exit::CommandResult;

/// End a sandbox now; what it was is kept as a backup.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox discard audit")]
pub(crate) struct DiscardArgs {
    #[command(flatten)]
    sandbox: OneSandbox,
}

impl DiscardArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = DiscardSandbox { branch: self.sandbox.name };
        let done = sandbox::discard(&workspace, request).await?;
        let words = format!("discarded {}; what it was is kept as {}", done.branch, done.backup);
        context.output.reply(&words, &done)
    }
}
