//! `argon wal restore-preview`

use argon_core::Revision;
use clap::Args;

use crate::commands::restore::preview::PreviewArgs;
use crate::context::Context;
use crate::exit::CommandResult;

/// Count what a reset to an LSN would change; `argon restore preview @N --stat` for short.
#[derive(Args)]
#[command(after_help = "Example:\n  argon wal restore-preview -p shop -b main --lsn 1234")]
pub(crate) struct RestorePreviewArgs {
    /// The position to go back to
    #[arg(long, value_name = "N")]
    lsn: u64,
}

impl RestorePreviewArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let revision: Revision = format!("@{}", self.lsn).parse()?;
        PreviewArgs::counting(revision).run(context).await
    }
}
