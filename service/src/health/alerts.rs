//! Rules evaluated, and their receivers told.

use std::collections::BTreeMap;

use argon_core::alerts::{self, AlertState};
use argon_core::metrics::{self, Metric, Summary, Unit};
use argon_core::{Error, Result, State, Store};
use bson::DateTime;

use super::deliver::deliver;
use super::measured::{Measured, number};
use super::rule::Rule;
use crate::discover::Place;

/// What became of a rule.
#[derive(Debug)]
pub struct Evaluated {
    /// The rule.
    pub rule: Rule,
    /// The value of its metric; `None` if it has none here.
    pub value: Option<f64>,
    /// `None` without a value.
    pub condition: Option<AlertState>,
    /// What the receiver was told.
    pub delivery: Delivery,
}

/// What a receiver was told of an alert.
#[derive(Debug)]
pub enum Delivery {
    /// There is nothing to tell.
    Nothing,
    /// What begins or ends was told now.
    Now,
    /// Another process is about to tell it.
    ByAnother,
    /// It could not be told; the next evaluation tries again.
    Failed(Error),
}

/// What rules may name: what checks measure and metrics count. `head` is that of the branch, if one
/// is chosen.
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

/// How often each happened, in all and in the last minute, and how long one
/// in a hundred took at least.
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

/// Evaluates a rule, and tells its receiver once when it is raised and once when it is cleared, however
/// many processes evaluate it.
///
/// # Errors
/// Those of the store; that a receiver can't be told is a value.
pub async fn evaluate(
    rule: &Rule,
    store: &Store,
    values: &BTreeMap<String, f64>,
) -> Result<Evaluated> {
    let configured = &rule.configured;
    let Some((value, holds)) = rule.judge(values) else {
        let (rule, delivery) = (rule.clone(), Delivery::Nothing);
        return Ok(Evaluated { rule, value: None, condition: None, delivery });
    };
    let name = &configured.name;
    let standing = alerts::observe(store, name, holds, configured.for_at_least).await?;
    let delivery = match &standing.notice {
        Some(notice) => {
            let delivered = deliver(rule, notice, Some(value), &store.info().id).await;
            alerts::told(store, name, notice, delivered.is_ok()).await?;
            delivered.map_or_else(Delivery::Failed, |()| Delivery::Now)
        }
        None if standing.is_owed => Delivery::ByAnother,
        None => Delivery::Nothing,
    };
    let condition = Some(standing.condition);
    Ok(Evaluated { rule: rule.clone(), value: Some(value), condition, delivery })
}
