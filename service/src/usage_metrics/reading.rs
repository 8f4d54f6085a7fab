use std::time::Duration;

use argon_core::metrics::{Metric, Series, Summary, Unit};
use argon_core::storage::Backlog;
use argon_core::{Result, Store};
use bson::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Show the counts and durations of operations.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ShowMetrics {}

/// The metrics of a store at one moment.
pub struct Reading {
    /// The counts of all processes.
    pub(super) summary: Summary,
    /// The work of a store with a queue.
    backlog: Option<Backlog>,
    /// The waiting time of the oldest job.
    lag: Duration,
    now: DateTime,
}

/// A metric.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ShownMetric {
    /// The count of an operation, and its durations or sizes.
    Counted(CountedMetric),
    /// The current value of a queue.
    Gauge(Gauge),
}

/// The count of an operation. Quantiles are upper bounds, of buckets that grow by 1, 2, 5.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CountedMetric {
    /// The name.
    pub metric: &'static str,
    /// The command of a server's clients, for `command` and `command_error`; null for all of them.
    pub command: Option<String>,
    /// The unit of the quantiles and the maximum: `ns` or `commits`; null if the operation is only counted.
    pub unit: Option<&'static str>,
    /// The total count.
    pub count: u64,
    /// The count of the last minute.
    pub last_minute: u64,
    /// The count of the last hour.
    pub last_hour: u64,
    /// The median.
    pub p50: Option<u64>,
    /// The 95th percentile.
    pub p95: Option<u64>,
    /// The 99th percentile.
    pub p99: Option<u64>,
    /// The maximum.
    pub max: Option<u64>,
    /// What is counted.
    #[serde(skip)]
    pub of: Metric,
}

/// The current value of a queue.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Gauge {
    /// The name.
    pub metric: &'static str,
    /// The unit: `jobs` or `s`.
    pub unit: &'static str,
    /// The value.
    pub value: u64,
}

impl Reading {
    /// Reads the metrics of a store.
    pub async fn of(store: &Store, now: DateTime) -> Result<Self> {
        let (summary, backlog) = futures::try_join!(super::sum(store), store.backlog())?;
        let oldest = backlog.and_then(|backlog| backlog.oldest).unwrap_or(now);
        Ok(Self { summary, backlog, lag: now.saturating_duration_since(oldest), now })
    }

    /// The metrics now, with what this process has counted so far, which the store keeps.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn now(store: &Store) -> Result<Self> {
        super::keep(store).await?;
        Self::of(store, store.environment().now()).await
    }

    /// The metrics, counts first.
    pub fn metrics(&self, _: ShowMetrics) -> Vec<ShownMetric> {
        let counted = Metric::ALL.into_iter().flat_map(|metric| {
            let all = self.summary.get(metric).map(|series| self.counted(metric, None, series));
            let by_command = self.summary.by_command(metric);
            let each =
                by_command.map(move |(name, series)| self.counted(metric, Some(name), series));
            all.into_iter().chain(each)
        });
        let gauges = self.gauges().into_iter().map(ShownMetric::Gauge);
        counted.map(ShownMetric::Counted).chain(gauges).collect()
    }

    fn counted(&self, metric: Metric, command: Option<&str>, series: &Series) -> CountedMetric {
        let minute = self.now.timestamp_millis().div_euclid(60_000);
        let quantile = |share| series.quantile(metric, share);
        let recent = |minutes| self.summary.recent_of(metric, command, minute, minutes);
        CountedMetric {
            metric: metric.name(),
            command: command.map(str::to_owned),
            unit: metric.unit().map(|unit| match unit {
                Unit::Nanoseconds => "ns",
                Unit::Things => "commits",
            }),
            count: series.count,
            last_minute: recent(1),
            last_hour: recent(60),
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            max: metric.unit().map(|_| series.max),
            of: metric,
        }
    }

    /// The work of a store with a queue, by the names that rules of alerts use.
    pub(super) fn gauges(&self) -> Vec<Gauge> {
        let Some(Backlog { waiting, running, dead, .. }) = self.backlog else { return Vec::new() };
        vec![
            Gauge { metric: "backlog_waiting", unit: "jobs", value: waiting },
            Gauge { metric: "backlog_running", unit: "jobs", value: running },
            Gauge { metric: "backlog_dead", unit: "jobs", value: dead },
            Gauge { metric: "backlog_lag_seconds", unit: "s", value: self.lag.as_secs() },
        ]
    }
}
