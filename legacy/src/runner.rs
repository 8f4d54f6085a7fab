//! Running jobs by their kind, and recording their outcome.

use std::sync::Arc;

use argon_core::metrics::Metric;
use argon_core::model::Head;
use argon_core::{Environment, Error, Result};

use crate::delta_writer::DeltaWriter;
use crate::jobs::{Claim, Job, JobKind, Queue};
use crate::notification::Notifier;
use crate::prune::Pruner;

/// Runs jobs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct JobRunner {
    pub(crate) jobs: Queue,
    pub(crate) writer: Arc<DeltaWriter>,
    pub(crate) pruner: Arc<Pruner>,
    pub(crate) notifier: Arc<Notifier>,
    pub(crate) environment: Environment,
}

impl JobRunner {
    /// Runs a job and records its outcome.
    pub(crate) async fn run(&self, claim: &Claim) -> Result<()> {
        match self.work(&claim.job).await {
            Ok(()) => {
                self.notifier.announce(&claim.job, "completed", None).await?;
                self.jobs.complete(claim).await
            }
            Err(error) => {
                tracing::warn!(job = claim.job.id, %error, "a job failed");
                if self.jobs.fail(claim, &error).await? {
                    let why = error.to_string();
                    self.notifier.announce(&claim.job, "failed", Some(&why)).await?;
                }
                Ok(())
            }
        }
    }

    /// Runs a job and counts it.
    #[tracing::instrument(level = "info", skip_all, name = "job", fields(job = job.id))]
    async fn work(&self, job: &Job) -> Result<()> {
        let timed = self.environment.timed(Metric::Job, self.carry_out(job));
        if job.kind == JobKind::Sync {
            self.environment.timed(Metric::Sync, timed).await
        } else {
            timed.await
        }
    }

    async fn carry_out(&self, job: &Job) -> Result<()> {
        match (job.kind, job.timeline) {
            (JobKind::Sync, Some(timeline)) => {
                let parent = job.before.map_or(Head::EMPTY, Into::into);
                self.writer.sync(timeline, job.batch, parent).await
            }
            (JobKind::Compression, Some(timeline)) => self.writer.compress(timeline).await,
            (JobKind::Cleanup, Some(timeline)) => self.pruner.clean_up(timeline).await,
            (JobKind::Notification, _) => self.notifier.notify(job).await,
            _ => Err(Error::corrupt(format!("job {} has no timeline", job.id))),
        }
    }
}
