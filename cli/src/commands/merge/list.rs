//! `argon merge list`

use argon_core::plan::{PlanStatus, SavedPlan, SavedPlanInfo};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row};
use crate::plans::status_name;

/// List the plans of the project that can be applied, the oldest first.
#[derive(Args)]
#[command(after_help = "Example:\n  argon merge list --all -o jsonl")]
pub(crate) struct ListArgs {
    /// List those too that were applied or aborted
    #[arg(long)]
    all: bool,
}

struct PlanRow(SavedPlanInfo);

impl Row for PlanRow {
    fn cells(&self) -> Vec<String> {
        let info = &self.0;
        vec![
            info.id.to_string(),
            status_name(info.status).to_owned(),
            info.what.clone(),
            format!("{}@{}", info.branch, info.ours),
            info.decisions.to_string(),
            info.actor.clone(),
            output::time(info.created),
            info.message.lines().next().unwrap_or_default().to_owned(),
        ]
    }

    fn json(&self) -> Json {
        let info = &self.0;
        let applied = match info.status {
            PlanStatus::Applied(lsn) => Some(lsn.get()),
            PlanStatus::Open | PlanStatus::Aborted | PlanStatus::Nothing => None,
        };
        Json::object([
            ("id", info.id.to_string().into()),
            ("what", info.what.clone().into()),
            ("branch", info.branch.as_str().into()),
            ("ours", info.ours.get().into()),
            ("condition", status_name(info.status).into()),
            ("applied", applied.into()),
            ("actor", info.actor.clone().into()),
            ("created", output::time(info.created).into()),
            ("message", info.message.clone().into()),
            ("decisions", (info.decisions as u64).into()),
        ])
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let columns =
            &["PLAN", "CONDITION", "WHAT", "INTO", "DECISIONS", "ACTOR", "CREATED", "MESSAGE"];
        let mut listing = context.output.listing(columns);
        for info in SavedPlan::list(&workspace.project).await? {
            if self.all || info.status == PlanStatus::Open {
                listing.row(&PlanRow(info))?;
            }
        }
        listing.finish()
    }
}
