//! `argon merge list`

use argon_service::plan::{self, ListPlans, ListedPlan};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// List the plans of the project that can be applied, the oldest first.
#[derive(Args)]
#[command(after_help = "Example:\n  argon merge list --all -o jsonl")]
pub(crate) struct ListArgs {
    /// List applied and aborted plans too
    #[arg(long)]
    all: bool,
}

impl Cells for ListedPlan {
    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.status.as_str().to_owned(),
            self.what.clone(),
            format!("{}@{}", self.branch, self.ours),
            self.decisions.to_string(),
            self.actor.clone(),
            self.created.to_string(),
            self.message.lines().next().unwrap_or_default().to_owned(),
        ]
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let columns =
            &["PLAN", "STATUS", "WHAT", "INTO", "DECISIONS", "ACTOR", "CREATED", "MESSAGE"];
        let mut listing = context.output.listing(columns);
        for plan in plan::list(&workspace.project, ListPlans { all: self.all }).await? {
            listing.item(&plan)?;
        }
        listing.finish()
    }
}
