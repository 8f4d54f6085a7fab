//! `argon flush`

use argon_service::upkeep::{self, FlushStore};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon flush --store legacy+file:old";

/// Wait until all acknowledged writes of a legacy store are in deltas.
///
/// Works the queue in this process. Other stores have no queue.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FlushArgs {}

impl FlushArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let flushed = upkeep::flush(&store, FlushStore {}).await?;
        let words = match flushed.jobs {
            0 => "the queue was empty".to_owned(),
            jobs => format!("done: {}", crate::output::count(jobs, "job")),
        };
        context.output.reply(&words, &flushed)
    }
}
