//! `argon jobs`

use argon_service::backends::LegacyStore;
use argon_service::queue::{self, ListJobs, PurgeJobs, RetryJobs, ShowJob, ShownJob};
use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Cells, count};

const EXAMPLES: &str = "\
Examples:
  argon jobs list --store legacy+file:old
  argon jobs show sync-3f…-17
  argon jobs retry --all";

/// The queue of a legacy store.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum JobsCommand {
    /// List the jobs: those that wait or run, those that were given up, and those that ended in the last
    /// day
    #[command(after_help = "Example:\n  argon jobs list")]
    List,
    /// Show a job
    #[command(after_help = "Example:\n  argon jobs show 3f2a")]
    Show {
        /// Its identifier
        id: String,
    },
    /// Try jobs again that were given up
    #[command(after_help = "Example:\n  argon jobs retry 3f2a")]
    Retry {
        /// The identifier of the job
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of them
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// Remove the jobs that were given up; sync jobs stay, since only they have their changes
    #[command(after_help = "Example:\n  argon jobs purge")]
    Purge,
}

impl JobsCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        context.on_legacy(async |store| self.run_on(store, context).await).await
    }

    async fn run_on(self, store: &LegacyStore, context: &Context) -> CommandResult {
        match self {
            Self::List => {
                let mut listing = context
                    .output
                    .listing(&["JOB", "STATUS", "PRIORITY", "DUE", "FAILURES", "WORKER"]);
                for job in queue::list_jobs(store, ListJobs {}).await? {
                    listing.item(&job)?;
                }
                listing.finish()
            }
            Self::Show { id } => {
                let job = queue::show_job(store, ShowJob { id }).await?;
                context.output.result(|| text(&job), &job)
            }
            Self::Retry { id, .. } => {
                let retried = queue::retry(store, RetryJobs { id }).await?;
                let jobs = count(retried.retried.len() as u64, "job");
                context.output.reply(&format!("{jobs} will be tried again"), &retried)
            }
            Self::Purge => {
                let purged = queue::purge(store, PurgeJobs {}).await?;
                let mut words = format!("removed {}", count(purged.purged, "job"));
                if purged.kept > 0 {
                    words += &format!(
                        "; {} stay, since only they have their changes: `argon jobs retry --all`",
                        count(purged.kept, "sync job")
                    );
                }
                context.output.reply(&words, &purged)
            }
        }
    }
}

impl Cells for ShownJob {
    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.status.to_owned(),
            self.priority.to_string(),
            self.due.map(|due| due.to_string()).unwrap_or_default(),
            self.failures.to_string(),
            self.worker.clone().unwrap_or_default(),
        ]
    }
}

fn text(job: &ShownJob) -> String {
    let mut lines = vec![
        ("job", job.id.clone()),
        ("kind", job.kind.to_owned()),
        ("status", job.status.to_owned()),
        ("priority", job.priority.to_string()),
        ("created", job.created.to_string()),
    ];
    lines.extend(job.due.map(|due| ("due", due.to_string())));
    lines.push(("failures", job.failures.to_string()));
    lines.extend(job.ended.map(|ended| ("ended", ended.to_string())));
    lines.extend(job.worker.clone().map(|worker| ("worker", worker)));
    lines.extend(job.error.clone().map(|error| ("error", error)));
    let lines: Vec<String> =
        lines.into_iter().map(|(name, value)| format!("{name:<10}{value}")).collect();
    lines.join("\n")
}
