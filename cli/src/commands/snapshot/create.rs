//! `argon snapshot create`

use argon_core::{Revision, snapshot};
use clap::Args;

use super::SnapshotRow;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Row, count};

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
        let state = workspace.state(self.revision.as_ref()).await?;
        let row = SnapshotRow(snapshot::create(&state).await?);
        let words = format!(
            "snapshot of LSN {}: {} in {} of {} compressed",
            row.0.point.lsn,
            count(row.0.documents(), "document"),
            count(row.chunks(), "chunk"),
            count(row.bytes(), "byte"),
        );
        context.output.done(&words, || row.json())
    }
}
