//! `argon jobs`

use argon_service::backends::{Job, LegacyStore};
use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row, count};

const EXAMPLES: &str = "\
Examples:
  argon jobs list --store legacy+file:old
  argon jobs show sync-3f…-17
  argon jobs retry --all";

/// The queue of a legacy store.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum JobsCommand {
    /// List the jobs: those that wait or are done now, those that were given up, and those of the last
    /// day that are done
    #[command(after_help = "Example:\n  argon jobs list")]
    List,
    /// Show a job
    #[command(after_help = "Example:\n  argon jobs show 3f2a")]
    Show {
        /// Its name
        id: String,
    },
    /// Give jobs that were given up another chance
    #[command(after_help = "Example:\n  argon jobs retry 3f2a")]
    Retry {
        /// The name of the job
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of them
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// Forget the jobs that were given up; sync jobs stay, as their changes are nowhere else
    #[command(after_help = "Example:\n  argon jobs purge")]
    Purge,
}

impl JobsCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        context.on_legacy(async |store| self.run_on(store, context).await).await
    }

    async fn run_on(self, store: &LegacyStore, context: &Context) -> CommandResult {
        let queue = store.queue();
        match self {
            Self::List => {
                let mut listing = context
                    .output
                    .listing(&["JOB", "STATUS", "PRIORITY", "DUE", "FAILURES", "WORKER"]);
                for job in queue.list().await? {
                    listing.row(&JobRow(job))?;
                }
                listing.finish()
            }
            Self::Show { id } => {
                let job = queue.get(&id).await?;
                context.output.one(|| text(&job), || json(&job))
            }
            Self::Retry { id, .. } => {
                let ids = match id {
                    Some(id) => vec![id],
                    None => queue.dead().await?.into_iter().map(|job| job.id).collect(),
                };
                for id in &ids {
                    queue.retry(id).await?;
                }
                let words = format!("{} will be tried again", count(ids.len() as u64, "job"));
                context.output.done(&words, || Json::object([("retried", ids.clone().into())]))
            }
            Self::Purge => {
                let (gone, stay) = queue.purge().await?;
                let mut words = format!("forgot {}", count(gone, "job"));
                if stay > 0 {
                    words += &format!(
                        "; {} stay, as their changes are nowhere else: `argon jobs retry --all`",
                        count(stay, "sync job")
                    );
                }
                let json = || Json::object([("purged", gone.into()), ("kept", stay.into())]);
                context.output.done(&words, json)
            }
        }
    }
}

struct JobRow(Job);

impl Row for JobRow {
    fn cells(&self) -> Vec<String> {
        let Self(job) = self;
        vec![
            job.id.clone(),
            job.status.name().to_owned(),
            job.priority.to_string(),
            due(job).unwrap_or_default(),
            job.failures.to_string(),
            job.worker.clone().unwrap_or_default(),
        ]
    }

    fn json(&self) -> Json {
        json(&self.0)
    }
}

/// When a job that is not ended is handed out, or handed out again.
fn due(job: &Job) -> Option<String> {
    job.ended.is_none().then(|| output::time(job.due))
}

fn text(job: &Job) -> String {
    let mut lines = vec![
        ("job", job.id.clone()),
        ("kind", job.kind.name().to_owned()),
        ("status", job.status.name().to_owned()),
        ("priority", job.priority.to_string()),
        ("created", output::time(job.created)),
    ];
    lines.extend(due(job).map(|due| ("due", due)));
    lines.push(("failures", job.failures.to_string()));
    lines.extend(job.ended.map(|ended| ("ended", output::time(ended))));
    lines.extend(job.worker.clone().map(|worker| ("worker", worker)));
    lines.extend(job.error.clone().map(|error| ("error", error)));
    let lines: Vec<String> =
        lines.into_iter().map(|(name, value)| format!("{name:<10}{value}")).collect();
    lines.join("\n")
}

fn json(job: &Job) -> Json {
    Json::object([
        ("id", job.id.as_str().into()),
        ("kind", job.kind.name().into()),
        ("status", job.status.name().into()),
        ("priority", Json::Verbatim(job.priority.to_string())),
        ("created", output::time(job.created).into()),
        ("due", due(job).into()),
        ("failures", Json::Verbatim(job.failures.to_string())),
        ("ended", job.ended.map(output::time).into()),
        ("worker", job.worker.clone().into()),
        ("error", job.error.clone().into()),
    ])
}
