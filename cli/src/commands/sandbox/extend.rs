//! `argon sandbox extend`

use std::time::Duration;

use argon_service::duration::parse_duration;
use argon_service::sandbox::{self, ExtendSandbox, check_ttl};
use clap::Args;

use super::{OneSandbox, ends};
use crate::context::Context;
use crate::exit::CommandResult;

/// Let a sandbox live longer: for a time from now on.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox extend audit --ttl 24h")]
pub(crate) struct ExtendArgs {
    #[command(flatten)]
    sandbox: OneSandbox,
    /// For how long, such as 30s, 15m, 24h, 7d [default: as it was made for]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    ttl: Option<Duration>,
}

impl ExtendArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        self.ttl.map_or(Ok(()), |ttl| check_ttl(ttl, &context.environment))?;
        let workspace = context.workspace().await?;
        let request = ExtendSandbox { branch: self.sandbox.name, ttl: self.ttl };
        let done = sandbox::extend(&workspace.project, &context.environment, request).await?;
        let words = format!("{} {}", done.branch, ends(done.ends.0, context));
        context.output.reply(&words, &done)
    }
}
