//! `argon pin list`

use argon_service::pin::{self, ListPins};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// List the pins; `argon verify NAME` checks one's history and signature.
#[derive(Args)]
#[command(after_help = "Example:\n  argon pin list")]
pub(crate) struct ListArgs {}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let columns = &["PIN", "STATE", "DIGEST", "MADE", "ACTOR", "SIGNED BY", "NOTE"];
        let mut listing = context.output.listing(columns);
        for pin in pin::list(&workspace.project, ListPins {}).await? {
            listing.item(&pin)?;
        }
        listing.finish()
    }
}
