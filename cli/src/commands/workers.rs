//! `argon workers`

use argon_core::Store;
use argon_core::storage::Backlog;
use argon_service::backends::{LegacyStore, MOST_WORKERS};
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{self, Json, count};

const EXAMPLES: &str = "\
Examples:
  argon workers run --store legacy+file:old
  argon workers stats
  argon workers scale 10";

/// The workers of a legacy store: they make deltas of what waits in its queue.
///
/// Every command on a legacy store has workers while it runs; `argon workers run` keeps them on.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum WorkersCommand {
    /// Show how much there is to do, and how many workers do it
    #[command(after_help = "Example:\n  argon workers stats")]
    Stats,
    /// Set how many workers every process has, 1 to 20; those that run follow within a second
    #[command(after_help = "Example:\n  argon workers scale 4")]
    Scale {
        /// How many
        workers: u32,
    },
    Run(RunArgs),
}

/// Work the queue until Ctrl-C.
#[derive(Args)]
#[command(after_help = "Example:\n  argon workers run")]
pub(crate) struct RunArgs {
    /// How many workers, 1 to 20 [default: what `argon workers scale` set, or 5]
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// End when nothing is left to do
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
                let (workers, busy) = store.pool().load();
                let backlog = Backlog { workers, busy, ..store.queue().backlog().await? };
                context.output.one(|| text(&backlog), || json(&backlog))
            }
            Self::Scale { workers } => {
                store.pool().scale_all(workers).await?;
                let words = format!("{} from now on", count(workers.into(), "worker"));
                context
                    .output
                    .done(&words, || Json::object([("workers", u64::from(workers).into())]))
            }
            Self::Run(args) => {
                if let Some(workers) = args.workers {
                    store.pool().scale(workers)?;
                }
                let words = format!("working with at most {MOST_WORKERS} workers; Ctrl-C ends it");
                context.output.say(&words);
                let ended = async {
                    if args.until_empty {
                        return store.pool().flush().await;
                    }
                    std::future::pending().await
                };
                tokio::select! {
                    ended = ended => ended?,
                    ended = crate::teardown::asked_to_end() => ended?,
                }
                let left = store.queue().backlog().await?;
                context.output.done(&in_words(&left), || json(&left))
            }
        }
    }
}

fn in_words(backlog: &Backlog) -> String {
    let (waiting, dead) = (count(backlog.waiting, "job"), count(backlog.dead, "job"));
    format!("{waiting} left, {dead} given up")
}

fn text(backlog: &Backlog) -> String {
    let oldest = backlog.oldest.map_or_else(|| "none".to_owned(), output::time);
    [
        ("workers", backlog.workers.to_string()),
        ("busy", backlog.busy.to_string()),
        ("waiting", count(backlog.waiting, "job")),
        ("running", count(backlog.running, "job")),
        ("given up", count(backlog.dead, "job")),
        ("oldest", oldest),
    ]
    .map(|(name, value)| format!("{name:<10}{value}"))
    .join("\n")
}

fn json(backlog: &Backlog) -> Json {
    Json::object([
        ("workers", u64::from(backlog.workers).into()),
        ("busy", u64::from(backlog.busy).into()),
        ("waiting", backlog.waiting.into()),
        ("running", backlog.running.into()),
        ("dead", backlog.dead.into()),
        ("oldest", backlog.oldest.map(output::time).into()),
    ])
}

impl Context {
    /// Does something with the queue and the workers of the legacy store that the options name, and lets
    /// the workers end what they have begun.
    pub(crate) async fn on_legacy(
        &self,
        work: impl AsyncFnOnce(&LegacyStore) -> CommandResult,
    ) -> CommandResult {
        let store = self.legacy().await?;
        // What the workers do counts as what others do.
        self.opened(&Store::new(store.backend(), self.environment.clone(), self.actor()?));
        let result = work(&store).await;
        store.pool().quiesce().await;
        result
    }

    async fn legacy(&self) -> CommandResult<LegacyStore> {
        let place = argon_service::discover::find(&self.overrides(), self.settings())?;
        if !place.url.scheme().starts_with("legacy+") {
            let error = argon_core::Error::unsupported(format!(
                "{} has no queue and no workers: it is done with a write when it acknowledges it",
                place.url
            ));
            return Err(Failure::from(error).hint("only stores of the legacy system have them"));
        }
        let options = self.open_options()?;
        let factory = argon_service::backends::legacy();
        Ok(factory.open_store(&place.url, &options, &self.environment).await?)
    }
}
