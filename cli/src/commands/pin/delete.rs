//! `argon pin delete`

use argon_core::model::PinName;
use argon_service::pin::{self, DeletePin};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

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
        let pin = pin::delete(&workspace.project, DeletePin { pin: self.name }).await?;
        let words = format!("deleted pin {}, which was {}@{}", pin.pin, pin.branch, pin.lsn);
        context.output.reply(&words, &pin)
    }
}
