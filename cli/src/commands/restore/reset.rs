//! `argon restore reset`

use argon_core::Revision;
use argon_service::restore::{self, BranchReset};
use clap::Args;

use super::describe;
use super::part::{self, PartArgs};
use crate::args::Signature;
use crate::commands::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::note_indexes;

const EXAMPLES: &str = "\
Examples:
  argon restore reset main@1234
  argon restore reset ~3 --yes                                           three commits back
  argon restore reset @yesterday -c users                                one collection, by a new commit
  argon restore reset @1234 -c users --id ada -m 'Ada is back'           one document
  argon restore reset backup/main/20260707T090000.123Z --yes             undo a reset";

/// Reset the current branch to a past state; its present state is kept as a backup branch.
///
/// With -c, the branch stays where it is, and gets a new commit in which the collection, or its documents that are
/// named by --id, are as they were. The result is checked by the validators and indexes of the collection.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ResetArgs {
    /// The past state
    #[arg(value_name = "REV")]
    revision: Revision,
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    signature: Signature,
}

impl ResetArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { revision, part, confirmation, signature } = self;
        if let Some(part) = part.part() {
            let workspace = context.workspace_noting(&signature.notes).await?;
            let preview = restore::preview_part(&workspace, &revision, part).await?;
            return part::run(context, &workspace, preview, &confirmation, signature).await;
        }
        part::refuse_signature(&signature)?;
        let workspace = context.workspace().await?;
        let preview = restore::preview(&workspace, &revision).await?;
        let summary = preview.comparison.count().await?;
        context.output.say(&describe(&preview, &summary));
        confirmation.ask(&format!("reset {}?", workspace.branch))?;
        let reset = preview.reset().await?;
        let BranchReset { branch, to, backup, .. } = &reset;
        let words = format!(
            "{branch} is at LSN {to} now; its state before is kept as {backup}\n`argon restore reset {backup} --yes` restores that"
        );
        context.output.reply(&words, &reset)?;
        note_indexes(&context.output, &reset.indexes);
        Ok(())
    }
}
