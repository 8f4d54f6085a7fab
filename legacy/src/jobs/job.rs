//! A job.

use argon_core::model::{Head, TimelineId};
use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::records::HeadRecord;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Makes a delta of a batch.
    Sync,
    /// Rewrites small deltas of a timeline into larger ones.
    Compression,
    /// Removes the objects of a timeline that does not exist any more.
    Cleanup,
    /// Tells somebody what became of a job.
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

    /// Jobs of a higher priority are done first.
    fn priority(self) -> i32 {
        match self {
            Self::Sync => 10,
            Self::Notification => 5,
            Self::Compression => 2,
            Self::Cleanup => 1,
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// It waits for a worker.
    Pending,
    /// A worker has it.
    Running,
    /// It is done.
    Completed,
    /// It was given up after its last retry.
    Failed,
    /// It failed, and waits to be tried again.
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
    /// Its name, which says what it is about.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// Jobs of a higher priority are done first.
    pub priority: i32,
    /// Where it stands.
    pub status: JobStatus,
    /// When it was asked for.
    pub created: DateTime,
    /// Not before this time; while it is running, when it is handed out again.
    pub due: DateTime,
    /// How often it failed.
    pub failures: i32,
    /// Why, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Who has it, or had it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// When it was done or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<DateTime>,
    /// The timeline that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<TimelineId>,
    /// The batch of a sync job.
    #[serde(default)]
    pub batch: i64,
    /// The head on which that batch builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<HeadRecord>,
    /// What a notification says.
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

    /// The job that makes a delta of a batch which builds on `before`.
    pub(crate) fn sync(
        timeline: TimelineId,
        batch: i64,
        before: Head,
        (now, due): (DateTime, DateTime),
    ) -> Self {
        let job = Self::new(sync_id(timeline, batch), JobKind::Sync, now, due);
        Self { timeline: Some(timeline), batch, before: Some(before.into()), ..job }
    }

    /// A job about a timeline; there is at most one of a kind at a time.
    pub(crate) fn about(kind: JobKind, timeline: TimelineId, now: DateTime) -> Self {
        let id = format!("{}-{timeline}", kind.name());
        Self { timeline: Some(timeline), ..Self::new(id, kind, now, now) }
    }

    /// Tells somebody what became of `job`.
    pub(crate) fn notification(job: &Job, text: String, now: DateTime) -> Self {
        let id = format!("notification-{}", job.id);
        Self { text: Some(text), ..Self::new(id, JobKind::Notification, now, now) }
    }
}

/// The name of the sync job of a batch.
pub(crate) fn sync_id(timeline: TimelineId, batch: i64) -> String {
    format!("sync-{timeline}-{batch}")
}
