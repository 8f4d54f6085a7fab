//! `argon sandbox extend`

use std::time::Duration;

use argon_core::sandbox;
use argon_service::duration::parse_duration;
use clap::Args;

use super::{OneSandbox, check_ttl, ends};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json};

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
        self.ttl.map_or(Ok(()), |ttl| check_ttl(ttl, context))?;
        let workspace = context.workspace().await?;
        let name = self.sandbox.name;
        let end = sandbox::extend(&workspace.project, &name, self.ttl).await?;
        context.output.done(&format!("{name} {}", ends(end, context)), || {
            Json::object([("name", name.as_str().into()), ("expires", output::time(end).into())])
        })
    }
}
