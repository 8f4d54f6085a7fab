//! `argon restore reset`

use argon_core::Revision;
use argon_service::restore::{self, BranchReset};
use clap::Args;

use super::describe;
use crate::commands::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon restore reset main@1234
  argon restore reset ~3 --yes                                           three commits back
  argon restore reset backup/main/20260707T090000.123Z --yes             undo a reset";

/// Reset the current branch to a past state; its present state is kept as a backup branch.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ResetArgs {
    /// The past state
    #[arg(value_name = "REV")]
    revision: Revision,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl ResetArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let preview = restore::preview(&workspace, &self.revision).await?;
        let summary = preview.comparison.count().await?;
        context.output.say(&describe(&preview, &summary));
        self.confirmation.ask(&format!("reset {}?", workspace.branch))?;
        let reset = preview.reset().await?;
        let BranchReset { branch, to, backup, .. } = &reset;
        let words = format!(
            "{branch} is at LSN {to} now; its state before is kept as {backup}\n`argon restore reset {backup} --yes` restores that"
        );
        context.output.reply(&words, &reset)
    }
}
