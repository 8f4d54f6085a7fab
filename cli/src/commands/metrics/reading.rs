//! What can be told of a store.

use std::time::Duration;

use argon_core::metrics::Summary;
use argon_core::storage::Backlog;
use argon_service::usage_metrics;

use crate::context::Context;
use crate::exit::CommandResult;

/// What commands have counted, and what is still to be done.
pub(crate) struct Reading {
    pub(crate) summary: Summary,
    pub(crate) backlog: Option<Backlog>,
    /// How long the oldest job has waited.
    lag: Duration,
}

/// A number that goes up and down.
pub(crate) struct Gauge {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: u64,
}

impl Reading {
    /// Reads, with the store open for as long as that takes.
    pub(crate) async fn of(context: &Context) -> CommandResult<Self> {
        let store = context.store().await?.store;
        let read = futures::try_join!(usage_metrics::sum(&store), store.backlog());
        context.close(store).await;
        let (summary, backlog) = read?;
        let now = context.environment.now();
        let oldest = backlog.and_then(|backlog| backlog.oldest).unwrap_or(now);
        Ok(Self { summary, backlog, lag: now.saturating_duration_since(oldest) })
    }

    /// What a store with a queue has to do, by the names that rules of alerts know.
    pub(crate) fn gauges(&self) -> Vec<Gauge> {
        let Some(Backlog { waiting, running, dead, .. }) = self.backlog else { return Vec::new() };
        vec![
            Gauge { name: "backlog_waiting", unit: "jobs", value: waiting },
            Gauge { name: "backlog_running", unit: "jobs", value: running },
            Gauge { name: "backlog_dead", unit: "jobs", value: dead },
            Gauge { name: "backlog_lag_seconds", unit: "s", value: self.lag.as_secs() },
        ]
    }
}
