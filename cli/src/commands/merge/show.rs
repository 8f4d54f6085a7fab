//! `argon merge show`

use argon_service::plan::{self, ShowPlan};
use clap::Args;

use super::InPlan;
use crate::args::ListingArgs;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::show;

const EXAMPLES: &str = "\
Examples:
  argon merge show 1f3a --stat
  argon merge show 1f3a -o json         what hooks read";

/// Show a plan: its changes, the conflicts that are left, and what to do next.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    plan: InPlan,
    #[command(flatten)]
    listing: ListingArgs,
}

impl ShowArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let listing = self.listing.listing();
        let review = plan::show(&workspace, &ShowPlan { plan: self.plan.plan, listing }).await?;
        show(context, &review, listing).await
    }
}
