//! `argon snapshot list`

use argon_core::Revision;
use argon_service::snapshot::{self, ListSnapshots};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// List the snapshots on the history of a branch, the oldest first.
#[derive(Args)]
#[command(after_help = "Example:\n  argon snapshot list")]
pub(crate) struct ListArgs {
    /// List those up to this state [default: the head of the current branch]
    #[arg(value_name = "REV")]
    revision: Option<Revision>,
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = ListSnapshots { revision: self.revision };
        let snapshots = snapshot::list(&workspace, request).await?;
        let columns = &["LSN", "MADE", "DOCUMENTS", "CHUNKS", "BYTES"];
        let mut listing = context.output.listing(columns);
        for shown in snapshots {
            listing.item(&shown)?;
        }
        listing.finish()
    }
}
