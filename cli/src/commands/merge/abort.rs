//! `argon merge abort`

use argon_service::plan::{self, AbortPlan};
use clap::Args;

use super::InPlan;
use crate::context::Context;
use crate::exit::CommandResult;

/// Abort a plan; nothing else is changed.
#[derive(Args)]
#[command(after_help = "Example:\n  argon merge abort 1f3a")]
pub(crate) struct AbortArgs {
    #[command(flatten)]
    plan: InPlan,
}

impl AbortArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = AbortPlan { plan: self.plan.plan };
        let aborted = plan::abort(&workspace.project, &request).await?;
        context.output.reply(&format!("plan {} is aborted", aborted.id), &aborted)
    }
}
