//! `argon restore preview`

use argon_core::Revision;
use argon_service::restore;
use clap::Args;

use super::describe;
use super::part::{self, PartArgs};
use crate::args::ListingArgs;
use crate::changes::print_changes;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon restore preview main@2026-07-07 --stat
  argon restore preview @yesterday -c users        what a restore of one collection would change

With -o json or jsonl, the first object (kind `states`) names the two states and their LSNs, and the last one
(kind `summary`) counts the documents that would change and the commits that would be left behind.";

/// Show what a reset of the current branch would change, and how many commits it would leave behind.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PreviewArgs {
    /// The past state
    #[arg(value_name = "REV")]
    revision: Revision,
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    listing: ListingArgs,
}

impl PreviewArgs {
    /// The numbers of a reset to this state.
    pub(in crate::commands) fn counting(revision: Revision) -> Self {
        Self { revision, part: PartArgs::default(), listing: ListingArgs::stat() }
    }

    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let (workspace, listing) = (context.workspace().await?, self.listing.listing());
        if let Some(part) = self.part.part() {
            let preview = restore::preview_part(&workspace, &self.revision, part).await?;
            let summary = print_changes(&context.output, preview.items(listing)).await?;
            context.output.say(&part::describe(&preview, &summary));
            return Ok(());
        }
        let preview = restore::preview(&workspace, &self.revision).await?;
        let items = preview.comparison.items(listing);
        let summary = print_changes(&context.output, items).await?;
        context.output.say(&describe(&preview, &summary));
        Ok(())
    }
}
