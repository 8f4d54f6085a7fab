//! `argon health`

mod alerts;

use argon_service::health::{self, Check, CheckHealth, HealthReport, Verdict};
use clap::{Args, Subcommand};

use super::checks;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::hints::{self, CommandLine};

const EXAMPLES: &str = "\
Examples:
  argon health || page-somebody
  argon health --strict -o json | jq -r '.checks[] | select(.state != \"ok\") | .check'
  argon config set health.space 20GiB
  argon health alerts --watch 30";

/// Check the store against thresholds.
///
/// The clock is compared with the last commit and with the server; of the certificates of the store's
/// servers, the one that ends first counts. Thresholds are the settings health.* (`argon config list`).
/// Exit code 11 means that a check failed, and with --strict 13 that a check has a warning and none
/// failed. `argon doctor` checks a store that can't be opened.
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
        let report = HealthReport::new(checked(context).await?, &CommandLine);
        let colours = context.output.colours;
        context.output.result(|| checks::text(&report.checks, true, colours), &report)?;
        if !report.healthy {
            return Err(Failure::Unhealthy);
        }
        if self.strict && report.has(Verdict::Warning) { Err(Failure::Doubtful) } else { Ok(()) }
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
    let (limits, now) = (&context.settings().health, context.environment.now());
    Ok(health::check(&opened, limits, now, &request(context)).await)
}

/// The project and branch that the options name.
fn request(context: &Context) -> CheckHealth {
    let options = &context.options;
    CheckHealth { project: options.project.clone(), branch: options.branch.clone() }
}
