//! A job.

use argon_core::model::{Head, TimelineId};
use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::records::HeadRecord;

/// The kind of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Writes a batch to a delta.
    Sync,
    /// Rewrites small deltas of a timeline into larger ones.
    Compression,
    /// Removes the data of a dropped timeline.
    Cleanup,
    /// Notifies the receiver of the outcome of a job.
    Notification,
}

impl JobKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Compression => "compression",
            Self::Cleanup => "cleanup",
            Self::Notification => "notification",
        }
    }

    /// Jobs of a higher priority run first.
    fn priority(self) -> i32 {
        match self {
            Self::Sync => 10,
            Self::Notification => 5,
            Self::Compression => 2,
            Self::Cleanup => 1,
        }
    }
}

/// The status of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// It waits for a worker.
    Pending,
    /// A worker runs it.
    Running,
    /// It succeeded.
    Completed,
    /// It failed after its last retry.
    Failed,
    /// It failed, and waits for a retry.
    Retrying,
}

impl JobStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Retrying => "retrying",
        }
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name, from its kind and its subject.
    pub id: String,
    /// Its kind.
    pub kind: JobKind,
    /// Jobs of a higher priority run first.
    pub priority: i32,
    /// Its status.
    pub status: JobStatus,
    /// The time of its creation.
    pub created: DateTime,
    /// The earliest time of its run; of a running job, the time at which it is handed out again.
    pub due: DateTime,
    /// The number of its failures.
    pub failures: i32,
    /// The error of its last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The worker that has it, or had it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// The time at which it succeeded, or failed after its last retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<DateTime>,
    /// Its timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<TimelineId>,
    /// The batch of a sync job.
    #[serde(default)]
    pub batch: i64,
    /// The head on which that batch builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<HeadRecord>,
    /// The body of a notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Job {
    fn new(id: String, kind: JobKind, now: DateTime, due: DateTime) -> Self {
        Self {
            id,
            kind,
            priority: kind.priority(),
            status: JobStatus::Pending,
            created: now,
            due,
            failures: 0,
            error: None,
            worker: None,
            ended: None,
            timeline: None,
            batch: 0,
            before: None,
            text: None,
        }
    }

    /// Creates the job that writes a batch, which builds on `before`, to a delta.
    pub(crate) fn sync(
        timeline: TimelineId,
        batch: i64,
        before: Head,
        (now, due): (DateTime, DateTime),
    ) -> Self {
        let job = Self::new(sync_id(timeline, batch), JobKind::Sync, now, due);
        Self { timeline: Some(timeline), batch, before: Some(before.into()), ..job }
    }

    /// Creates a job for a timeline; at most one of each kind exists at a time.
    pub(crate) fn about(kind: JobKind, timeline: TimelineId, now: DateTime) -> Self {
        let id = format!("{}-{timeline}", kind.name());
        Self { timeline: Some(timeline), ..Self::new(id, kind, now, now) }
    }

    /// Creates the job that notifies the receiver of the outcome of `job`.
    pub(crate) fn notification(job: &Job, text: String, now: DateTime) -> Self {
        let id = format!("notification-{}", job.id);
        Self { text: Some(text), ..Self::new(id, JobKind::Notification, now, now) }
    }
}

/// Returns the name of the sync job of a batch.
pub(crate) fn sync_id(timeline: TimelineId, batch: i64) -> String {
    format!("sync-{timeline}-{batch}")
}
