//! Telling somebody what became of jobs.

use argon_core::{Error, Result};
use async_trait::async_trait;

use crate::engine::LegacyEngine;
use crate::jobs::Job;

/// Delivers notifications: a webhook, as a rule. Whoever embeds the store hands it in.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// Sends `body`, which is JSON, to `url`, signed by what the two sides have agreed on. It may be
    /// called again with the same body: the receiver knows it by its `job`.
    ///
    /// # Errors
    /// Anything; it is tried again like every job.
    async fn deliver(&self, url: &str, body: String) -> Result<()>;
}

impl LegacyEngine {
    /// Asks for a notification of what became of a job, if somebody wants to know.
    pub(crate) async fn announce(
        &self,
        job: &Job,
        outcome: &str,
        error: Option<&str>,
    ) -> Result<()> {
        if self.settings.notify.is_none() || job.kind == crate::jobs::JobKind::Notification {
            return Ok(());
        }
        let body = serde_json::json!({
            "job": job.id,
            "kind": job.kind.name(),
            "outcome": outcome,
            "timeline": job.timeline.map(|timeline| timeline.to_string()),
            "error": error,
            "store": self.info.id,
        });
        let job = Job::notification(job, body.to_string(), self.environment.now());
        self.jobs.add(&job).await
    }

    pub(crate) async fn notify(&self, job: &Job) -> Result<()> {
        let (Some(url), Some(text)) = (&self.settings.notify, &job.text) else { return Ok(()) };
        let deliver = self.deliver.as_ref().ok_or_else(|| {
            Error::unsupported(
                "this program can't deliver notifications: it gave the store no way to",
            )
        })?;
        deliver.deliver(url, text.clone()).await
    }
}
