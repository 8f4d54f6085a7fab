//! `argon flush`

use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

const EXAMPLES: &str = "\
Examples:
  argon flush --store legacy+file:old";

/// Wait until everything that was acknowledged is where it stays: on a legacy store, in deltas.
///
/// Works the queue in this process. On every other store there is nothing to wait for.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FlushArgs {}

impl FlushArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let before = store.backlog().await?.map_or(0, |backlog| backlog.waiting + backlog.running);
        store.flush().await?;
        let words = match before {
            0 => "there was nothing to wait for".to_owned(),
            jobs => format!("done: {}", crate::output::count(jobs, "job")),
        };
        context.output.done(&words, || Json::object([("jobs", before.into())]))
    }
}
