//! `argon pin delete`

use argon_core::model::PinName;
use clap::Args;

use super::PinRow;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Row;

/// Delete a pin; its state stays only as long as a branch needs it or retention keeps it.
#[derive(Args)]
#[command(after_help = "Example:\n  argon pin delete v1")]
pub(crate) struct DeleteArgs {
    /// The pin
    name: PinName,
}

impl DeleteArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let pin = workspace.project.delete_pin(&self.name).await?;
        let words = format!("deleted pin {}, which was {}@{}", pin.name, pin.branch, pin.head.lsn);
        context.output.done(&words, || PinRow(pin.clone()).json())
    }
}
