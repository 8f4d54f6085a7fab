//! `argon sandbox …`

mod create;
mod discard;
mod extend;
mod keep;
mod list;
mod sweep;

use std::time::Duration;

use argon_core::model::BranchName;
use argon_core::{Error, sandbox};
use argon_service::Workspace;
use argon_service::config::Config;
use argon_service::duration::duration_text;
use bson::DateTime;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output;

/// Branches that end by themselves: for a test, an agent, an experiment.
#[derive(Subcommand)]
pub(crate) enum SandboxCommand {
    Create(create::CreateArgs),
    List(list::ListArgs),
    Extend(extend::ExtendArgs),
    Keep(keep::KeepArgs),
    Discard(discard::DiscardArgs),
    Sweep(sweep::SweepArgs),
}

impl SandboxCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Extend(args) => args.run(context).await,
            Self::Keep(args) => args.run(context).await,
            Self::Discard(args) => args.run(context).await,
            Self::Sweep(args) => args.run(context).await,
        }
    }
}

/// The sandbox of a command that is about one.
#[derive(Args)]
struct OneSandbox {
    /// The sandbox, with or without `sandbox/`
    #[arg(value_parser = sandbox::full_name)]
    name: BranchName,
}

/// When a sandbox ends, for people.
fn ends(end: DateTime, context: &Context) -> String {
    let left = end.timestamp_millis().saturating_sub(context.environment.now().timestamp_millis());
    match u64::try_from(left) {
        Ok(left) => {
            let left = duration_text(Duration::from_millis(left).saturating_add(HALF_A_SECOND));
            format!("ends in {left}, at {}", output::time(end))
        }
        Err(_) => format!("ended at {}", output::time(end)),
    }
}

/// The end of the year 9999, after which a time can't be written: milliseconds since 1970.
const LAST_END: i64 = 253_402_300_799_999;

/// Refuses a life that nobody could write the end of.
///
/// # Errors
/// `Invalid` for an end after the year 9999.
fn check_ttl(ttl: Duration, context: &Context) -> CommandResult {
    let now = context.environment.now().timestamp_millis();
    let end = i64::try_from(ttl.as_millis()).ok().and_then(|ttl| now.checked_add(ttl));
    if end.is_some_and(|end| end <= LAST_END) {
        return Ok(());
    }
    let error = "a sandbox must end before the year 10000; `argon branch create` makes a branch \
                 without an end";
    Err(Error::invalid(error).into())
}

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// Makes another branch current if `from` is.
fn switch(context: &Context, workspace: &Workspace, from: &BranchName, to: &BranchName) {
    if workspace.is_current(from) {
        let project = Some(workspace.project.name().clone());
        let current = Config { project, branch: Some(to.clone()) };
        workspace.opened.set_current_after(&current, &context.output);
    }
}
