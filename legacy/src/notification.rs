//! Notifications of the outcome of jobs.

use std::sync::Arc;

use argon_core::storage::StoreInfo;
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;

use crate::jobs::{Job, JobKind, Queue};
use crate::settings::Settings;

/// Delivers notifications, usually to a webhook. The program that opens the store supplies it.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// Sends `body`, which is JSON, to `url`, with the signature that both sides agreed on. It may
    /// be called again with the same body; the receiver recognizes it by its `job`.
    ///
    /// # Errors
    /// Any; the notification is retried like every job.
    async fn deliver(&self, url: &str, body: String) -> Result<()>;
}

/// Notifies the receiver that a store's settings name.
pub(crate) struct Notifier {
    url: Option<String>,
    /// The identity of the store.
    store: String,
    deliver: Option<Arc<dyn Deliver>>,
    jobs: Queue,
    environment: Environment,
}

impl Notifier {
    pub(crate) fn new(
        settings: &Settings,
        store: &StoreInfo,
        deliver: Option<Arc<dyn Deliver>>,
        jobs: &Queue,
        environment: &Environment,
    ) -> Self {
        Self {
            url: settings.notify.clone(),
            store: store.id.clone(),
            deliver,
            jobs: jobs.clone(),
            environment: environment.clone(),
        }
    }

    /// Adds a job that notifies the receiver of the outcome of `job`, if the settings name a
    /// receiver.
    pub(crate) async fn announce(
        &self,
        job: &Job,
        outcome: &str,
        error: Option<&str>,
    ) -> Result<()> {
        if self.url.is_none() || job.kind == JobKind::Notification {
            return Ok(());
        }
        let body = serde_json::json!({
            "job": job.id,
            "kind": job.kind.name(),
            "outcome": outcome,
            "timeline": job.timeline.map(|timeline| timeline.to_string()),
            "error": error,
            "store": self.store,
        });
        let job = Job::notification(job, body.to_string(), self.environment.now());
        self.jobs.add(&job).await
    }

    pub(crate) async fn notify(&self, job: &Job) -> Result<()> {
        let (Some(url), Some(text)) = (&self.url, &job.text) else { return Ok(()) };
        let deliver = self.deliver.as_ref().ok_or_else(|| {
            Error::unsupported("this program has no way to deliver notifications")
        })?;
        deliver.deliver(url, text.clone()).await
    }
}
