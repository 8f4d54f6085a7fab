//! `argon metrics`

use std::time::Duration;

use argon_core::metrics::{Metric, Unit};
use argon_service::usage_metrics::{Reading, ShowMetrics, ShownMetric, prometheus};
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{Cells, grouped};

const EXAMPLES: &str = "Examples:
  argon metrics
  argon metrics --watch 5
  argon metrics --prometheus > /var/lib/node_exporter/argon.prom
  argon metrics -o json | jq '.[] | select(.metric == \"append\")'";

/// Show the counts and durations of operations on the store.
///
/// A command that writes to the store adds its counts to it when it ends, and every ten seconds until
/// then. Counts of commands that only read stay on this machine until a command writes; they are
/// included. Quantiles are upper bounds, of buckets that grow by 1, 2, 5. The lines of a queue show its
/// current state. The setting metrics.enabled = false ends the counting.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MetricsArgs {
    /// Show them again every N seconds until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "prometheus")]
    watch: Option<u64>,
    /// Print the text format of Prometheus
    #[arg(long)]
    prometheus: bool,
}

const COLUMNS: &[&str] =
    &["METRIC", "COUNT", "LAST MINUTE", "LAST HOUR", "P50", "P95", "P99", "MAX"];

impl Cells for ShownMetric {
    fn cells(&self) -> Vec<String> {
        match self {
            Self::Gauge(gauge) => vec![gauge.metric.to_owned(), grouped(gauge.value)],
            Self::Counted(counted) => {
                let name = counted.command.as_ref().map_or_else(
                    || counted.metric.to_owned(),
                    |command| format!("{} {command}", counted.metric),
                );
                let mut cells = vec![name];
                cells.extend([counted.count, counted.last_minute, counted.last_hour].map(grouped));
                // A metric that was counted, but not measured yet, has no quantiles.
                let max = counted.max.filter(|_| counted.p50.is_some());
                cells.extend(
                    [counted.p50, counted.p95, counted.p99, max].map(|value| {
                        value.map(|value| shown(counted.of, value)).unwrap_or_default()
                    }),
                );
                cells
            }
        }
    }
}

impl MetricsArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Some(seconds) = self.watch else { return self.show(context).await };
        loop {
            self.show(context).await?;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
                ended = crate::teardown::asked_to_end() => return ended.and(Err(Failure::Interrupted)),
            }
        }
    }

    async fn show(&self, context: &Context) -> CommandResult {
        let reading = reading(context).await?;
        if self.prometheus {
            return context.output.print(&prometheus(&reading));
        }
        if self.watch.is_some() {
            context.output.clear()?;
        }
        let mut listing = context.output.listing(COLUMNS);
        for metric in reading.metrics(ShowMetrics {}) {
            listing.item(&metric)?;
        }
        listing.finish()
    }
}

/// Reads the metrics, with the store open for as long as that takes.
pub(super) async fn reading(context: &Context) -> CommandResult<Reading> {
    let store = context.store().await?.store;
    let reading = Reading::of(&store, context.environment.now()).await;
    context.close(store).await;
    Ok(reading?)
}

/// A value with its unit, for people.
pub(super) fn shown(metric: Metric, value: u64) -> String {
    if metric.unit() != Some(Unit::Nanoseconds) {
        return grouped(value);
    }
    let (unit, name) = match value {
        0..1_000 => return format!("{value} ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let tenths = value / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}
