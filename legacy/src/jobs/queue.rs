//! The queue: jobs as records that move by compare-and-set.
//!
//! A job that waits or runs is under [`ACTIVE`], so that the cost of looking for work follows its
//! amount. A completed job is under [`DONE`] for a day, and a job that failed after its last retry
//! is under [`DEAD`] until a user retries or purges it. A job is handed out at least once: to
//! another worker if the first one does not end it within [`STUCK`].

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use argon_core::storage::{Backlog, CasResult, RefName, RefVersion, Refs, VersionedRef};
use argon_core::{DetailKey, Environment, Error, Hint, Result};
use bson::DateTime;

use super::job::{Job, JobKind, JobStatus};
use crate::records::{decode, encode};
use crate::time::after;

const ACTIVE: &str = "legacy/job/active/";
const DONE: &str = "legacy/job/done/";
const DEAD: &str = "legacy/job/dead/";

/// The retries of a job, and the delay after its first failure; the delay doubles.
const RETRIES: i32 = 3;
const FIRST_DELAY: Duration = Duration::from_secs(30);

/// The time after which a running job is handed out again.
const STUCK: Duration = Duration::from_mins(10);

/// A job that a worker has.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) job: Job,
    version: RefVersion,
}

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    refs: Arc<dyn Refs>,
    environment: Environment,
}

impl Queue {
    pub(crate) fn new(refs: Arc<dyn Refs>, environment: Environment) -> Self {
        Self { refs, environment }
    }

    fn later(&self, by: Duration) -> DateTime {
        after(self.environment.now(), by)
    }

    /// Sets the record of an active job, if it still has the expected version.
    async fn set(&self, job: &Job, expected: Option<&RefVersion>) -> Result<CasResult> {
        let name = format!("{ACTIVE}{}", job.id);
        self.refs.compare_and_set(&name, expected, Some(encode(job)?)).await
    }

    /// Adds a job durably; does nothing if it exists already.
    pub(crate) async fn add(&self, job: &Job) -> Result<()> {
        self.set(job, None).await.map(drop)
    }

    /// Makes a waiting job due now, also one that waits for a retry; does nothing for other jobs.
    pub(crate) async fn run_now(&self, id: &str) -> Result<()> {
        let name = format!("{ACTIVE}{id}");
        let Some(stored) = self.refs.get(&name).await? else { return Ok(()) };
        let found = decode::<Job>(&name, stored)?;
        if found.record.status == JobStatus::Running {
            return Ok(());
        }
        let job = Job { due: self.environment.now(), ..found.record };
        self.set(&job, Some(&found.version)).await.map(drop)
    }

    async fn under(&self, prefix: &str) -> Result<Vec<(Job, RefVersion)>> {
        let listed = self.refs.list(prefix).await?;
        let job = |(name, stored): (RefName, VersionedRef)| {
            decode::<Job>(&name, stored).map(|stored| (stored.record, stored.version))
        };
        listed.into_iter().map(job).collect()
    }

    /// Lists the due jobs, the most urgent first.
    pub(crate) async fn due(&self) -> Result<Vec<Claim>> {
        let now = self.environment.now();
        let mut due = self.under(ACTIVE).await?;
        due.retain(|(job, _)| job.due <= now);
        due.sort_by(|(a, _), (b, _)| by_urgency(a, b));
        Ok(due.into_iter().map(|(job, version)| Claim { job, version }).collect())
    }

    /// Gives a job of [`due`](Self::due) to a worker; `None` if another worker has taken it.
    pub(crate) async fn take(&self, claim: &Claim, worker: &str) -> Result<Option<Claim>> {
        let job = Job {
            status: JobStatus::Running,
            due: self.later(STUCK),
            worker: Some(worker.to_owned()),
            ..claim.job.clone()
        };
        Ok(match self.set(&job, Some(&claim.version)).await? {
            CasResult::Done(Some(version)) => Some(Claim { job, version }),
            _ => None,
        })
    }

    /// Ends a job that succeeded.
    pub(crate) async fn complete(&self, claim: &Claim) -> Result<()> {
        let job = Job {
            status: JobStatus::Completed,
            ended: Some(self.environment.latest()),
            error: None,
            ..claim.job.clone()
        };
        self.end(DONE, &job, &claim.version).await
    }

    /// Records a failure, and schedules a retry; true if it was the last one.
    pub(crate) async fn fail(&self, claim: &Claim, error: &Error) -> Result<bool> {
        let failures = claim.job.failures + 1;
        let error = Some(in_words(error));
        if failures > RETRIES {
            let (status, ended) = (JobStatus::Failed, Some(self.environment.now()));
            let job = Job { status, failures, error, ended, ..claim.job.clone() };
            self.end(DEAD, &job, &claim.version).await?;
            return Ok(true);
        }
        let due = self.later(FIRST_DELAY * (1 << (failures - 1)));
        let job = Job { status: JobStatus::Retrying, due, failures, error, ..claim.job.clone() };
        self.set(&job, Some(&claim.version)).await?;
        Ok(false)
    }

    /// Moves a job from the active ones to `place`. It is in one of them, or both, at every moment.
    async fn end(&self, place: &str, job: &Job, version: &RefVersion) -> Result<()> {
        let name = format!("{place}{}", job.id);
        let there = self.refs.get(&name).await?;
        let expected = there.as_ref().map(|stored| &stored.version);
        self.refs.compare_and_set(&name, expected, Some(encode(job)?)).await?;
        let active = format!("{ACTIVE}{}", job.id);
        self.refs.compare_and_set(&active, Some(version), None).await.map(drop)
    }

    /// Hands out the running jobs of a process that ended again. Only for a queue that one process
    /// has open at a time, before its workers start.
    pub(crate) async fn take_back(&self) -> Result<()> {
        for (job, version) in self.under(ACTIVE).await? {
            if job.status != JobStatus::Running {
                continue;
            }
            let job = Job { status: JobStatus::Pending, due: self.environment.now(), ..job };
            self.set(&job, Some(&version)).await?;
        }
        Ok(())
    }

    /// Lists all jobs: active ones by urgency, then those that failed after their last retry, then
    /// completed ones.
    pub async fn list(&self) -> Result<Vec<Job>> {
        let mut active = self.active().await?;
        active.sort_by(by_urgency);
        for place in [DEAD, DONE] {
            active.extend(self.under(place).await?.into_iter().map(|(job, _)| job));
        }
        Ok(active)
    }

    /// Lists the active jobs.
    pub(crate) async fn active(&self) -> Result<Vec<Job>> {
        Ok(self.under(ACTIVE).await?.into_iter().map(|(job, _)| job).collect())
    }

    /// Returns a job.
    ///
    /// # Errors
    /// `NotFound` if it does not exist; a completed job is removed after a day.
    pub async fn get(&self, id: &str) -> Result<Job> {
        for place in [ACTIVE, DEAD, DONE] {
            let name = format!("{place}{id}");
            if let Some(stored) = self.refs.get(&name).await? {
                return decode(&name, stored).map(|stored| stored.record);
            }
        }
        Err(Error::not_found(format!("unknown job '{id}'"))
            .with_detail(DetailKey::Job, id)
            .with_hint(Hint::ListJobs))
    }

    /// Makes a job that failed after its last retry due now, with all its retries.
    ///
    /// # Errors
    /// `NotFound` if no such job has this name.
    pub async fn retry(&self, id: &str) -> Result<Job> {
        let name = format!("{DEAD}{id}");
        let Some(stored) = self.refs.get(&name).await? else {
            let job = self.get(id).await?;
            return Err(Error::not_found(format!(
                "job '{id}' is {}; only failed jobs can be retried",
                job.status.name()
            )));
        };
        let found = decode::<Job>(&name, stored)?;
        let due = self.environment.now();
        let job = Job { status: JobStatus::Pending, due, failures: 0, ended: None, ..found.record };
        self.add(&job).await?;
        self.refs.compare_and_set(&name, Some(&found.version), None).await?;
        Ok(job)
    }

    /// Lists the jobs that failed after their last retry.
    pub async fn dead(&self) -> Result<Vec<Job>> {
        Ok(self.under(DEAD).await?.into_iter().map(|(job, _)| job).collect())
    }

    /// Removes the jobs that failed after their last retry, except sync jobs, because only the
    /// queue has their changes. Returns the numbers of removed and of remaining jobs.
    pub async fn purge(&self) -> Result<(u64, u64)> {
        let (mut gone, mut stay) = (0, 0);
        for (job, version) in self.under(DEAD).await? {
            if job.kind == JobKind::Sync {
                stay += 1;
                continue;
            }
            let name = format!("{DEAD}{}", job.id);
            self.refs.compare_and_set(&name, Some(&version), None).await?;
            gone += 1;
        }
        Ok((gone, stay))
    }

    /// Lists the jobs that succeeded before `time`.
    pub(crate) async fn done_before(&self, time: DateTime) -> Result<Vec<Job>> {
        let done = self.under(DONE).await?.into_iter().map(|(job, _)| job);
        Ok(done.filter(|job| job.ended.is_none_or(|ended| ended < time)).collect())
    }

    /// Removes a job in any status.
    pub(crate) async fn forget(&self, id: &str) -> Result<()> {
        for place in [ACTIVE, DEAD, DONE] {
            let name = format!("{place}{id}");
            if let Some(stored) = self.refs.get(&name).await? {
                self.refs.compare_and_set(&name, Some(&stored.version), None).await?;
            }
        }
        Ok(())
    }

    /// Counts the jobs by status.
    pub async fn backlog(&self) -> Result<Backlog> {
        let active = self.active().await?;
        let running = active.iter().filter(|job| job.status == JobStatus::Running).count() as u64;
        Ok(Backlog {
            waiting: active.len() as u64 - running,
            running,
            dead: self.refs.list(DEAD).await?.len() as u64,
            oldest: active.iter().map(|job| job.created).min(),
            workers: 0,
            busy: 0,
        })
    }
}

/// Orders jobs by urgency, the most urgent first.
fn by_urgency(a: &Job, b: &Job) -> Ordering {
    (b.priority, a.due, &a.id).cmp(&(a.priority, b.due, &b.id))
}

/// Renders an error and its causes on a line, without causes that repeat the text before them.
fn in_words(error: &Error) -> String {
    error.causes().map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}
