use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::backends::{Job, LegacyStore};
use crate::json::Time;

/// List the jobs: those that wait or run, those that were given up, and those that ended in the last day.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListJobs {}

/// Show a job.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ShowJob {
    /// Its identifier.
    pub id: String,
}

/// Try jobs again that were given up.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct RetryJobs {
    /// The identifier of the job; default: all of them.
    #[serde(default)]
    pub id: Option<String>,
}

/// Remove the jobs that were given up, except sync jobs, since only they have their changes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct PurgeJobs {}

/// A job.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownJob {
    /// Its identifier.
    pub id: String,
    /// Its kind: `sync`, `compression`, `cleanup` or `notification`.
    pub kind: &'static str,
    /// Its status: `pending`, `running`, `completed`, `failed` (given up) or `retrying`.
    pub status: &'static str,
    /// Its priority; a higher one runs first.
    pub priority: i32,
    /// The time of its creation.
    pub created: Time,
    /// The earliest time of its start, or of its next start if it runs; null if it ended.
    pub due: Option<Time>,
    /// The number of failures.
    pub failures: i32,
    /// The time of its end.
    pub ended: Option<Time>,
    /// Its worker, or its last one.
    pub worker: Option<String>,
    /// The last error.
    pub error: Option<String>,
}

/// Jobs that are tried again.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RetriedJobs {
    /// Their identifiers.
    pub retried: Vec<String>,
}

/// The number of jobs that were removed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PurgedJobs {
    /// The number of removed jobs.
    pub purged: u64,
    /// The number of sync jobs that stay.
    pub kept: u64,
}

impl From<Job> for ShownJob {
    fn from(job: Job) -> Self {
        Self {
            kind: job.kind.name(),
            status: job.status.name(),
            priority: job.priority,
            created: Time(job.created),
            due: job.ended.is_none().then_some(Time(job.due)),
            failures: job.failures,
            ended: job.ended.map(Time),
            worker: job.worker,
            error: job.error,
            id: job.id,
        }
    }
}

/// Lists the jobs.
pub async fn list_jobs(store: &LegacyStore, _: ListJobs) -> Result<Vec<ShownJob>> {
    Ok(store.queue().list().await?.into_iter().map(ShownJob::from).collect())
}

/// Shows a job.
///
/// # Errors
/// `NotFound` if it does not exist.
pub async fn show_job(store: &LegacyStore, request: ShowJob) -> Result<ShownJob> {
    Ok(store.queue().get(&request.id).await?.into())
}

/// Tries jobs again that were given up.
///
/// # Errors
/// `NotFound` if the job does not exist; `Invalid` if it was not given up.
pub async fn retry(store: &LegacyStore, request: RetryJobs) -> Result<RetriedJobs> {
    let queue = store.queue();
    let retried = match request.id {
        Some(id) => vec![id],
        None => queue.dead().await?.into_iter().map(|job| job.id).collect(),
    };
    for id in &retried {
        queue.retry(id).await?;
    }
    Ok(RetriedJobs { retried })
}

/// Removes the jobs that were given up, except sync jobs.
pub async fn purge(store: &LegacyStore, _: PurgeJobs) -> Result<PurgedJobs> {
    let (purged, kept) = store.queue().purge().await?;
    Ok(PurgedJobs { purged, kept })
}
