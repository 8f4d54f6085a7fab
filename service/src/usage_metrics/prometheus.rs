//! The text format of Prometheus.

use std::fmt::Write as _;

use argon_core::metrics::{Metric, Series, Unit};

use super::reading::{Gauge, Reading};

/// Returns metrics in the text exposition format of Prometheus, version 0.0.4.
pub fn prometheus(reading: &Reading) -> String {
    let mut text = String::new();
    for metric in Metric::ALL {
        let mut samples: Vec<_> = reading.summary.by_command(metric).collect();
        // The sum of the commands is for those who read the samples.
        if samples.is_empty() {
            samples.extend(reading.summary.get(metric).map(|series| ("", series)));
        }
        if !samples.is_empty() {
            // Writing to a string does not fail.
            let _ = family(&mut text, metric, &samples);
        }
    }
    for Gauge { metric: name, value, .. } in reading.gauges() {
        // Nor here.
        let _ = writeln!(text, "# TYPE argon_{name} gauge\nargon_{name} {value}");
    }
    text.truncate(text.trim_end().len());
    text
}

/// Writes the samples of a metric, each with the command that it is of, if there are several.
fn family(out: &mut String, metric: Metric, samples: &[(&str, &Series)]) -> std::fmt::Result {
    let name = metric.name();
    writeln!(out, "# TYPE argon_{name}_total counter")?;
    for (command, series) in samples {
        writeln!(out, "argon_{name}_total{} {}", labels(command, None), series.count)?;
    }
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
    for (command, series) in samples {
        let (mut below, labelled) = (0, |bound: &str| labels(command, Some(bound)));
        for (bound, count) in scale.bounds().into_iter().zip(&series.buckets) {
            below += count;
            writeln!(out, "argon_{name}{suffix}_bucket{} {below}", labelled(&value(bound)))?;
        }
        let measured: u64 = series.buckets.iter().sum();
        let own = labels(command, None);
        writeln!(out, "argon_{name}{suffix}_bucket{} {measured}", labelled("+Inf"))?;
        writeln!(out, "argon_{name}{suffix}_sum{own} {}", value(series.sum))?;
        writeln!(out, "argon_{name}{suffix}_count{own} {measured}")?;
    }
    Ok(())
}

/// The labels of a sample: the command, and the bound of a bucket.
fn labels(command: &str, bound: Option<&str>) -> String {
    let command = (!command.is_empty()).then(|| format!("command=\"{command}\""));
    let bound = bound.map(|bound| format!("le=\"{bound}\""));
    let labels: Vec<String> = command.into_iter().chain(bound).collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}
