//! Evaluation of rules, and delivery to their receivers.

use std::collections::BTreeMap;

use argon_core::alerts;
use argon_core::metrics::{self, Metric, Summary, Unit};
use argon_core::{Error, Result, State, Store};
use bson::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deliver::deliver;
use super::measured::{Measured, number};
use super::rule::Rule;
use crate::discover::Place;
use crate::json::Time;
use crate::settings::Severity;

/// Evaluate the rules of the setting `alerts`, and deliver alerts that begin or end to their receivers.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct EvaluateAlerts {}

/// A rule that was evaluated.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvaluatedAlert {
    /// The name of the rule.
    pub alert: String,
    /// The severity of the rule.
    pub severity: Severity,
    /// The state of the alert.
    pub state: AlertState,
    /// The metric of the rule.
    pub metric: String,
    /// Its value, if it has one here.
    pub value: Option<f64>,
    /// The threshold in the unit of the metric.
    pub threshold: f64,
    /// Since when the alert is pending or raised.
    pub since: Option<Time>,
    /// The delivery to the receiver.
    pub delivery: Delivery,
    /// The condition of the rule, as it is configured.
    #[serde(skip)]
    pub condition: String,
    /// Why the delivery failed.
    #[serde(skip)]
    pub error: Option<Error>,
}

/// The state of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum AlertState {
    /// The metric has no value here.
    #[serde(rename = "no value")]
    NoValue,
    /// The condition does not hold.
    #[serde(rename = "quiet")]
    Quiet,
    /// The condition holds, but not yet long enough.
    #[serde(rename = "pending")]
    Pending,
    /// The alert is raised.
    #[serde(rename = "raised")]
    Raised,
}

/// The delivery of an alert to its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Delivery {
    /// Nothing to deliver.
    #[serde(rename = "-")]
    Nothing,
    /// The beginning or the end was delivered now.
    #[serde(rename = "now")]
    Now,
    /// Another process is delivering it.
    #[serde(rename = "by another")]
    ByAnother,
    /// The delivery failed; the next evaluation repeats it.
    #[serde(rename = "failed")]
    Failed,
}

/// Returns the values that rules can name: measures of checks and counts of metrics. `head` is that of the branch, if
/// one is chosen.
pub async fn values(
    store: &Store,
    place: &Place,
    head: Option<&State>,
    now: DateTime,
) -> Result<BTreeMap<String, f64>> {
    let measured = Measured::of(store, place, head, now).await?.values();
    let mut values: BTreeMap<String, f64> =
        measured.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    values.extend(counted(&metrics::read(store).await?, now));
    Ok(values)
}

/// The counts of each metric, in total and in the last minute, and the 99th percentile of its durations.
fn counted(summary: &Summary, now: DateTime) -> Vec<(String, f64)> {
    let minute = now.timestamp_millis().div_euclid(60_000);
    let mut values = Vec::new();
    for metric in Metric::ALL {
        let (name, series) = (metric.name(), summary.get(metric));
        values.push((format!("{name}_total"), number(series.map_or(0, |series| series.count))));
        values.push((format!("{name}_last_minute"), number(summary.recent(metric, minute, 1))));
        let slow = series.and_then(|series| series.quantile(metric, 0.99));
        if let (Some(slow), Some(Unit::Nanoseconds)) = (slow, metric.unit()) {
            values.push((format!("{name}_p99_seconds"), number(slow) / 1e9));
        }
    }
    values
}

/// Evaluates a rule, and delivers it once when it is raised and once when it is cleared, however many processes
/// evaluate it.
///
/// # Errors
/// Those of the store; a failed delivery is part of the result.
pub async fn evaluate(
    rule: &Rule,
    store: &Store,
    values: &BTreeMap<String, f64>,
) -> Result<EvaluatedAlert> {
    let configured = &rule.configured;
    let mut evaluated = EvaluatedAlert {
        alert: configured.name.clone(),
        severity: configured.severity,
        state: AlertState::NoValue,
        metric: configured.metric.clone(),
        value: None,
        threshold: rule.threshold,
        since: None,
        delivery: Delivery::Nothing,
        condition: rule.condition(),
        error: None,
    };
    let Some((value, holds)) = rule.judge(values) else { return Ok(evaluated) };
    let name = &configured.name;
    let standing = alerts::observe(store, name, holds, configured.for_at_least).await?;
    evaluated.value = Some(value);
    (evaluated.state, evaluated.since) = match standing.condition {
        alerts::AlertState::Quiet => (AlertState::Quiet, None),
        alerts::AlertState::Pending(since) => (AlertState::Pending, Some(Time(since))),
        alerts::AlertState::Raised(since) => (AlertState::Raised, Some(Time(since))),
    };
    evaluated.delivery = match &standing.notice {
        Some(notice) => {
            let delivered = deliver(rule, notice, Some(value), &store.info().id).await;
            alerts::reported(store, name, notice, delivered.is_ok()).await?;
            evaluated.error = delivered.err();
            if evaluated.error.is_some() { Delivery::Failed } else { Delivery::Now }
        }
        None if standing.is_owed => Delivery::ByAnother,
        None => Delivery::Nothing,
    };
    Ok(evaluated)
}
