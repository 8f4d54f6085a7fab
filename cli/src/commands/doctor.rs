//! `argon doctor`

use argon_service::upkeep::{DiagnoseStore, Surroundings, diagnose};
use clap::Args;

use super::checks;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::hints::CommandLine;

const EXAMPLES: &str = "\
Examples:
  argon doctor                                       the store that the other commands use
  argon doctor mongodb://ada@db.example/shop         a store that may not exist yet
  argon doctor -o json | jq '.checks[] | select(.state == \"failed\")'";

/// Check the requirements of a store, one after the other, and print how to repair what fails.
///
/// It works where the store can't be opened, changes nothing in it, and removes again what it writes
/// as a test of permissions. Exit code 11 means that a check failed.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The store [default: the one that every command would use]
    #[arg(value_name = "URL")]
    url: Option<String>,
}

impl DoctorArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let surroundings = Surroundings {
            wording: &CommandLine,
            overrides: &context.overrides(),
            settings: context.settings(),
            cache: context.cache(),
            environment: &context.environment,
        };
        let diagnosed = diagnose(surroundings, DiagnoseStore { store: self.url }).await;
        let colours = context.output.colours;
        let text = || checks::text(&diagnosed.checks, false, colours);
        context.output.result(text, &diagnosed)?;
        if diagnosed.healthy { Ok(()) } else { Err(Failure::Unhealthy) }
    }
}
