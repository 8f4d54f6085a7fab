//! `argon sandbox create`

use std::time::Duration;

use argon_core::Revision;
use argon_core::model::BranchName;
use argon_core::sandbox::full_name;
use argon_service::duration::parse_duration;
use argon_service::sandbox::{self, CreateSandbox, check_ttl};
use clap::Args;

use super::ends;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon sandbox create                                    for an hour, of the current branch
  argon sandbox create --from main@2026-07-07 --ttl 7d --name audit
  argon -b \"$(argon sandbox create -o json | jq -r .branch)\" put -c users '{\"_id\": 1}'";

/// Make a branch that ends by itself; it costs one write, whatever the size of the data.
///
/// When its time is over it takes no commits until `argon sandbox extend`, and `argon sandbox sweep`
/// removes it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    /// The state it starts from [default: the head of the current branch]
    #[arg(long, value_name = "REV")]
    from: Option<Revision>,
    /// How long it lives, and at least for how long after the last commit, such as 30s, 15m, 24h, 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    ttl: Duration,
    /// What to call it: x makes sandbox/x [default: eight random digits]
    #[arg(long, value_name = "NAME", value_parser = full_name)]
    name: Option<BranchName>,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        check_ttl(self.ttl, &context.environment)?;
        let workspace = context.workspace().await?;
        let request = CreateSandbox { from: self.from, ttl: self.ttl, branch: self.name };
        let made = sandbox::create(&workspace, &context.environment, request).await?;
        context.output.result(|| made.branch.to_string(), &made)?;
        let (parent, lsn) = (&made.parent, made.lsn);
        context.output.say(&format!("it is {parent} at LSN {lsn}; {}", ends(made.ends.0, context)));
        Ok(())
    }
}
