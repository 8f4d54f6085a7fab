//! `argon metrics`

mod prometheus;
mod reading;

use std::time::Duration;

use argon_core::metrics::{Metric, Series, Unit};
use clap::Args;

pub(super) use self::prometheus::prometheus;
pub(super) use self::reading::{Gauge, Reading};

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{Json, Row, grouped};

const EXAMPLES: &str = "Examples:
  argon metrics
  argon metrics --watch 5
  argon metrics --prometheus > /var/lib/node_exporter/argon.prom
  argon metrics -o json | jq '.[] | select(.metric == \"append\")'";

/// Show how often, and how long, commands did what with the store.
///
/// A command that writes to the store adds its counts to it when it ends, and every ten seconds until
/// then. Those of commands that only read stay on this machine until one writes; they are shown as
/// well. Quantiles are upper bounds, of buckets that grow by 1, 2, 5. What a store with a queue has to
/// do is shown as it is now. The setting metrics.enabled = false ends the counting.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MetricsArgs {
    /// Show them again every so many seconds until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "prometheus")]
    watch: Option<u64>,
    /// Print the text format of Prometheus
    #[arg(long)]
    prometheus: bool,
}

struct Line<'a> {
    metric: Metric,
    series: &'a Series,
    minute: u64,
    hour: u64,
}

const COLUMNS: &[&str] =
    &["METRIC", "COUNT", "LAST MINUTE", "LAST HOUR", "P50", "P95", "P99", "MAX"];

impl Row for Line<'_> {
    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.metric.name().to_owned()];
        cells.extend([self.series.count, self.minute, self.hour].map(grouped));
        let quantiles = [0.5, 0.95, 0.99].map(|share| self.series.quantile(self.metric, share));
        let max = self.series.quantile(self.metric, 1.0).map(|_| self.series.max);
        let text = |value: Option<u64>| value.map(|value| shown(self.metric, value));
        cells.extend(
            quantiles.into_iter().chain([max]).map(|value| text(value).unwrap_or_default()),
        );
        cells
    }

    fn json(&self) -> Json {
        let quantile = |share| self.series.quantile(self.metric, share).into();
        Json::object([
            ("metric", self.metric.name().into()),
            ("unit", unit(self.metric).into()),
            ("count", self.series.count.into()),
            ("last_minute", self.minute.into()),
            ("last_hour", self.hour.into()),
            ("p50", quantile(0.5)),
            ("p95", quantile(0.95)),
            ("p99", quantile(0.99)),
            ("max", self.metric.unit().map(|_| self.series.max).into()),
        ])
    }
}

impl Row for Gauge {
    fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), grouped(self.value)]
    }

    fn json(&self) -> Json {
        Json::object([
            ("metric", self.name.into()),
            ("unit", self.unit.into()),
            ("value", self.value.into()),
        ])
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
        let reading = Reading::of(context).await?;
        if self.prometheus {
            return context.output.print(&prometheus(&reading));
        }
        if self.watch.is_some() {
            context.output.clear()?;
        }
        let summary = &reading.summary;
        let now = context.environment.now().timestamp_millis().div_euclid(60_000);
        let mut listing = context.output.listing(COLUMNS);
        for metric in Metric::ALL {
            let Some(series) = summary.get(metric) else { continue };
            let recent = |minutes| summary.recent(metric, now, minutes);
            listing.row(&Line { metric, series, minute: recent(1), hour: recent(60) })?;
        }
        for gauge in reading.gauges() {
            listing.row(&gauge)?;
        }
        listing.finish()
    }
}

fn unit(metric: Metric) -> Option<&'static str> {
    metric.unit().map(|unit| match unit {
        Unit::Nanoseconds => "ns",
        Unit::Things => "commits",
    })
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
