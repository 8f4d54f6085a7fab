//! `argon merge abort`

use argon_core::plan::SavedPlan;
use clap::Args;

use super::InPlan;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

/// Give up a plan; nothing else is changed.
#[derive(Args)]
#[command(after_help = "Example:\n  argon merge abort 1f3a")]
pub(crate) struct AbortArgs {
    #[command(flatten)]
    plan: InPlan,
}

impl AbortArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let id = SavedPlan::abort(&workspace.project, &self.plan.plan).await?;
        context.output.done(&format!("plan {id} is aborted"), || {
            Json::object([("id", id.to_string().into()), ("condition", "aborted".into())])
        })
    }
}
