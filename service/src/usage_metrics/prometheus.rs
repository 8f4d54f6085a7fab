//! The text format of Prometheus.

use std::fmt::Write as _;

use argon_core::metrics::{Metric, Series, Unit};

use super::reading::{Gauge, Reading};

/// Returns metrics in the text exposition format of Prometheus, version 0.0.4.
pub fn prometheus(reading: &Reading) -> String {
    let mut text = String::new();
    for metric in Metric::ALL {
        if let Some(series) = reading.summary.get(metric) {
            // Writing to a string does not fail.
            let _ = family(&mut text, metric, series);
        }
    }
    for Gauge { metric: name, value, .. } in reading.gauges() {
        // Nor here.
        let _ = writeln!(text, "# TYPE argon_{name} gauge\nargon_{name} {value}");
    }
    text.truncate(text.trim_end().len());
    text
}

fn family(out: &mut String, metric: Metric, series: &Series) -> std::fmt::Result {
    let name = metric.name();
    writeln!(out, "# TYPE argon_{name}_total counter\nargon_{name}_total {}", series.count)?;
    let Some(scale) = metric.scale() else { return Ok(()) };
    let (suffix, seconds) = match metric.unit() {
        Some(Unit::Nanoseconds) => ("_seconds", true),
        _ => ("", false),
    };
    let value = |value: u64| {
        if !seconds {
            return value.to_string();
        }
        format!("{}.{:09}", value / 1_000_000_000, value % 1_000_000_000)
    };
    writeln!(out, "# TYPE argon_{name}{suffix} histogram")?;
    let mut below = 0;
    for (bound, count) in scale.bounds().into_iter().zip(&series.buckets) {
        below += count;
        writeln!(out, "argon_{name}{suffix}_bucket{{le=\"{}\"}} {below}", value(bound))?;
    }
    let measured: u64 = series.buckets.iter().sum();
    writeln!(out, "argon_{name}{suffix}_bucket{{le=\"+Inf\"}} {measured}")?;
    writeln!(out, "argon_{name}{suffix}_sum {}", value(series.sum))?;
    writeln!(out, "argon_{name}{suffix}_count {measured}")
}
