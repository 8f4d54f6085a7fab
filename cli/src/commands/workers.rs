//! `argon workers`

use argon_core::Store;
use argon_service::backends::{LegacyStore, MOST_WORKERS};
use argon_service::queue::{self, RunWorkers, ScaleWorkers, ShowWorkers, WorkersState};
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::count;

const EXAMPLES: &str = "\
Examples:
  argon workers run --store legacy+file:old
  argon workers stats
  argon workers scale 10";

/// The workers of a legacy store: they turn the batches of its queue into deltas.
///
/// Every command on a legacy store has workers while it runs; `argon workers run` keeps them on.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum WorkersCommand {
    /// Show the number of jobs and of workers
    #[command(after_help = "Example:\n  argon workers stats")]
    Stats,
    /// Set the number of workers of every process, 1 to 20; running ones follow within a second
    #[command(after_help = "Example:\n  argon workers scale 4")]
    Scale {
        /// The number
        workers: u32,
    },
    Run(RunArgs),
}

/// Work the queue until Ctrl-C.
#[derive(Args)]
#[command(after_help = "Example:\n  argon workers run")]
pub(crate) struct RunArgs {
    /// The number of workers, 1 to 20 [default: that of `argon workers scale`, or 5]
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// End when the queue is empty
    #[arg(long)]
    until_empty: bool,
}

impl WorkersCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        context.on_legacy(async |store| self.run_on(store, context).await).await
    }

    async fn run_on(self, store: &LegacyStore, context: &Context) -> CommandResult {
        match self {
            Self::Stats => {
                let state = queue::workers(store, ShowWorkers {}).await?;
                context.output.result(|| text(&state), &state)
            }
            Self::Scale { workers } => {
                let scaled = queue::scale(store, ScaleWorkers { workers }).await?;
                let words = format!("{} from now on", count(scaled.workers.into(), "worker"));
                context.output.reply(&words, &scaled)
            }
            Self::Run(RunArgs { workers, until_empty }) => {
                let words = format!("working with at most {MOST_WORKERS} workers; Ctrl-C ends it");
                context.output.say(&words);
                let (end, ended) = tokio::sync::oneshot::channel();
                let interrupt = Box::pin(async move {
                    let _ = end.send(crate::teardown::asked_to_end().await);
                });
                let request = RunWorkers { workers, until_empty };
                let left = queue::run(store, request, interrupt).await?;
                if let Ok(Err(failure)) = ended.await {
                    return Err(failure);
                }
                let (waiting, dead) = (count(left.waiting, "job"), count(left.dead, "job"));
                context.output.reply(&format!("{waiting} left, {dead} given up"), &left)
            }
        }
    }
}

fn text(state: &WorkersState) -> String {
    [
        ("workers", state.workers.to_string()),
        ("busy", state.busy.to_string()),
        ("waiting", count(state.waiting, "job")),
        ("running", count(state.running, "job")),
        ("given up", count(state.dead, "job")),
        ("oldest", state.oldest.map_or_else(|| "none".to_owned(), |oldest| oldest.to_string())),
    ]
    .map(|(name, value)| format!("{name:<10}{value}"))
    .join("\n")
}

impl Context {
    /// Does something with the queue and the workers of the legacy store that the options name, and lets
    /// the workers end the jobs that they have begun.
    pub(crate) async fn on_legacy(
        &self,
        work: impl AsyncFnOnce(&LegacyStore) -> CommandResult,
    ) -> CommandResult {
        let place = argon_service::discover::find(&self.overrides(), self.settings())?;
        let store = queue::open(&place, &self.open_options()?, &self.environment).await?;
        // The work of these workers counts like that of others.
        self.opened(&Store::new(store.backend(), self.environment.clone(), self.actor()?));
        let result = work(&store).await;
        store.pool().quiesce().await;
        result
    }
}
