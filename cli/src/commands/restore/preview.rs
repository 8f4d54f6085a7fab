//! `argon restore preview`

use argon_core::Revision;
use argon_core::restore;
use clap::Args;

use super::describe;
use crate::args::DocumentStyle;
use crate::changes::{Detail, print_diff};
use crate::context::Context;
use crate::exit::CommandResult;

/// Show what a reset of the current branch would change, and how many commits it would leave behind.
#[derive(Args)]
#[command(after_help = "Example:\n  argon restore preview main@2026-07-07 --stat")]
pub(crate) struct PreviewArgs {
    /// The state to go back to
    #[arg(value_name = "REV")]
    revision: Revision,
    /// Print how many documents would change, not the documents
    #[arg(long)]
    stat: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

impl PreviewArgs {
    /// How many documents a reset to this state would change.
    pub(in crate::commands) fn counting(revision: Revision) -> Self {
        Self { revision, stat: true, style: DocumentStyle::default() }
    }

    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let branch = workspace.branch().await?;
        let target = workspace.state(Some(&self.revision)).await?;
        let preview = restore::preview(&branch, &target).await?;
        let head = branch.at(preview.head).await?;
        let detail = if self.stat { Detail::Stat } else { Detail::Changes(self.style.mode()) };
        let stat = print_diff(&context.output, &preview.diff, [&head, &target], detail).await?;
        let words = describe(&preview, branch.name().as_str(), &self.revision.to_string());
        context.output.say(&format!("{words}; documents: {}", stat.summary()));
        Ok(())
    }
}
