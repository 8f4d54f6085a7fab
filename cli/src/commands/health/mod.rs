//! `argon health`

mod alerts;
mod report;

use argon_core::{Project, State};
use argon_service::OpenStore;
use argon_service::health::{self, Check, Measured, Remedy, Verdict};
use clap::{Args, Subcommand};

use self::report::Report;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::hints;

const EXAMPLES: &str = "\
Examples:
  argon health || page-somebody
  argon health --strict -o json | jq -r '.checks[] | select(.state != \"ok\") | .check'
  argon config set health.space 20GiB
  argon health alerts --watch 30";

/// Check that the store works as it should, each thing against its threshold.
///
/// The clock is compared with the last commit and with the server; of certificates the one of the
/// store's servers that ends first counts. Thresholds are the settings health.* (`argon config list`). Exit code 11 says that a check failed,
/// and with --strict 13 that none failed, but one has a warning. `argon doctor` looks at what a store
/// needs that can't be opened.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct HealthArgs {
    /// End with code 13 if there are warnings only
    #[arg(long)]
    strict: bool,
    #[command(subcommand)]
    command: Option<HealthCommand>,
}

#[derive(Subcommand)]
enum HealthCommand {
    Alerts(alerts::AlertsArgs),
}

impl HealthArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        if let Some(HealthCommand::Alerts(args)) = self.command {
            return args.run(context).await;
        }
        let report = Report(checked(context).await?);
        let colours = context.output.colours;
        context.output.one(|| report.text(colours), || report.json())?;
        report.result(self.strict)
    }
}

async fn checked(context: &Context) -> CommandResult<Vec<Check>> {
    let opened = match context.store().await {
        Ok(opened) => opened,
        Err(Failure::Error { error, hint }) => {
            return Ok(health::unopened(&error, hints::advice(&error, hint)));
        }
        Err(other) => return Err(other),
    };
    let url = opened.place.url.to_string();
    let mut checks = vec![Check::of("store", Verdict::Good, format!("{url} opens"))];
    let head = match head(context, &opened).await {
        Ok(Some((project, head))) => {
            checks.push(health::head(&project, &head).await);
            Some(head)
        }
        Ok(None) => {
            checks.push(Check::skipped("head", "no project is chosen"));
            None
        }
        Err(Failure::Error { error, hint }) => {
            let said = hints::advice(&error, hint);
            let remedy = said.map_or(Remedy::CheckStore, Remedy::Said);
            checks.push(Check::failed("head", &error, remedy));
            None
        }
        Err(other) => return Err(other),
    };
    let measured = {
        let now = context.environment.now();
        Measured::of(&opened.store, &opened.place, head.as_ref(), now).await
    };
    let limits = &context.settings().health;
    match measured {
        Ok(measured) => checks.extend(health::of(&measured, limits)),
        Err(error) => {
            checks.push(Check::failed("measures", &error, Remedy::CheckStore));
        }
    }
    Ok(checks)
}

/// The project and head of the branch that the options name or that is current; `None` if no project
/// is chosen.
async fn head(context: &Context, opened: &OpenStore) -> CommandResult<Option<(Project, State)>> {
    if context.options.project.is_none() && opened.config.project.is_none() {
        return Ok(None);
    }
    let project = context.project_of(opened).await?;
    let name = context.branch_of(opened, project.name());
    let head = project.branch(&name).await?.head().await?;
    Ok(Some((project, head)))
}
