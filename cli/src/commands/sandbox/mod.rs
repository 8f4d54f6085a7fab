//! `argon sandbox …`

mod create;
mod discard;
mod extend;
mod keep;
mod list;
mod sweep;

use std::time::Duration;

use argon_core::model::BranchName;
use argon_core::sandbox;
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

const HALF_A_SECOND: Duration = Duration::from_millis(500);
