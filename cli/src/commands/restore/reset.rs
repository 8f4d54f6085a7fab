//! `argon restore reset`

use argon_core::restore;
use argon_core::{ErrorKind, Revision};
use clap::Args;

use super::describe;
use crate::changes::{Detail, print_diff};
use crate::commands::confirm::Confirmation;
use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::Json;

const EXAMPLES: &str = "\
Examples:
  argon restore reset main@1234
  argon restore reset ~3 --yes                                           back by three commits
  argon restore reset backup/main/20260707T090000.123Z --yes             undo a reset";

/// Reset the current branch to a past state; what it was is kept as a backup.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ResetArgs {
    /// The state to go back to
    #[arg(value_name = "REV")]
    revision: Revision,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl ResetArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let branch = workspace.branch().await?;
        let name = branch.name().clone();
        let target = workspace.state(Some(&self.revision)).await?;
        let preview = restore::preview(&branch, &target).await?;
        let head = branch.at(preview.head).await?;
        let states = [&head, &target];
        let stat = print_diff(&context.output, &preview.diff, states, Detail::Nothing).await?;
        let words = describe(&preview, name.as_str(), &self.revision.to_string());
        context.output.say(&format!("{words}; documents: {}", stat.summary()));
        self.confirmation.ask(&format!("reset {name}?"))?;
        let reset = restore::reset(&branch, &target).await.hint_on(ErrorKind::Conflict, || {
            "somebody else moved the branch; look again and repeat".to_owned()
        })?;
        let words = format!(
            "{name} is at LSN {} now; what it was is kept as {}\n`argon restore reset {} --yes` goes back to that",
            reset.to, reset.backup, reset.backup
        );
        context.output.done(&words, || {
            Json::object([
                ("branch", name.as_str().into()),
                ("from", reset.from.get().into()),
                ("to", reset.to.get().into()),
                ("backup", reset.backup.as_str().into()),
            ])
        })
    }
}
