//! `argon snapshot create`

use argon_core::Revision;
use argon_service::snapshot::{self, CreateSnapshot};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::count;

/// Make a snapshot of a state.
#[derive(Args)]
#[command(after_help = "Example:\n  argon snapshot create main@1234")]
pub(crate) struct CreateArgs {
    /// The state [default: the head of the current branch]
    #[arg(value_name = "REV")]
    revision: Option<Revision>,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = CreateSnapshot { revision: self.revision };
        let made = snapshot::create(&workspace, request).await?;
        let words = format!(
            "snapshot of LSN {}: {} in {} of {} compressed",
            made.lsn,
            count(made.documents, "document"),
            count(made.chunks, "chunk"),
            count(made.bytes, "byte"),
        );
        context.output.reply(&words, &made)
    }
}
