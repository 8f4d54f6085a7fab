//! `argon health alerts`

use std::collections::BTreeMap;
use std::time::Duration;

use argon_core::alerts::{self, Condition};
use argon_core::metrics::{self, Metric, Summary, Unit};
use argon_core::{ErrorKind, Store};
use clap::Args;

use super::deliver::deliver;
use super::measured::{Measured, number};
use super::rule::{Rule, severity_text};
use crate::context::{Context, OpenStore};
use crate::exit::{CommandResult, Failure};
use crate::output::{self, Json, Row};

const EXAMPLES: &str = "\
Examples:
  argon health alerts                      once, as from cron
  argon health alerts --watch 30           every 30 seconds, until Ctrl-C

What a rule may name: what `argon health` checks (backlog_waiting, backlog_dead, backlog_lag_seconds,
free_bytes, snapshot_commits, clock_behind_seconds the last commit, clock_off_seconds from the server,
certificate_seconds until the first one ends), and of each line of `argon metrics` how often it
happened and how long one in a hundred took at least (append_total, append_last_minute,
append_p99_seconds).

A rule in argon.toml:
  [[alerts]]
  name = \"slow uploads\"
  metric = \"backlog_lag_seconds\"
  op = \">\"
  threshold = \"5m\"
  for = \"10m\"
  severity = \"critical\"
  webhook = \"https://alerts.example/argon\"
  secret_env = \"ALERTS_SECRET\"            # or: command = [\"notify-send\", \"Argon\"]";

/// Evaluate the rules of the configuration, and tell their receivers what begins and what ends.
///
/// Each is told once when an alert is raised and once when it is cleared, however many processes
/// evaluate the rules. A delivery that fails is made again at the next evaluation, with the same id,
/// and gives exit code 6. What is sent is JSON: posted to a webhook, where the header
/// X-Argon-Signature is sha256= and the HMAC-SHA256 of the body if there is a secret; or on standard
/// input of a command, which accepts by ending with 0.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AlertsArgs {
    /// Evaluate again after so many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    watch: Option<u64>,
}

/// What became of a rule.
struct Evaluated {
    rule: Rule,
    value: Option<f64>,
    /// `None` without a value.
    condition: Option<Condition>,
    /// What the receiver was told, or why it was not.
    delivery: &'static str,
}

impl AlertsArgs {
    pub(super) async fn run(self, context: &Context) -> CommandResult {
        let rules = Rule::all(&context.settings().alerts)?;
        if rules.is_empty() {
            context.output.say("no alerts are configured; `argon health alerts --help` shows how");
        }
        let Some(seconds) = self.watch else { return once(&rules, context).await };
        // One for all rounds, so that a signal during one is heard after it.
        let mut ended = std::pin::pin!(crate::finish::asked_to_end());
        loop {
            // A store that can't be opened now may be there the next time, and so a receiver.
            match once(&rules, context).await {
                Err(failure @ Failure::Error { .. }) => drop(failure.report(&context.output)),
                Ok(()) | Err(Failure::Reported(_)) => {}
                Err(other) => return Err(other),
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
                ended = &mut ended => return ended,
            }
        }
    }
}

/// Evaluates all rules once. The store is open meanwhile only, so that others get at it in between.
async fn once(rules: &[Rule], context: &Context) -> CommandResult {
    let opened = context.store().await?;
    let values = values(context, &opened).await?;
    let store = opened.store;
    let mut listing = context.output.listing(&[
        "ALERT",
        "SEVERITY",
        "STATE",
        "VALUE",
        "CONDITION",
        "SINCE",
        "TOLD",
    ]);
    let mut failed = false;
    for rule in rules {
        let evaluated = evaluate(rule, &store, &values, context).await?;
        failed |= evaluated.delivery == FAILED;
        listing.row(&evaluated)?;
    }
    listing.finish()?;
    drop(context.take_opened());
    if failed { Err(Failure::Reported(ErrorKind::Unavailable)) } else { Ok(()) }
}

/// What rules may name.
async fn values(context: &Context, opened: &OpenStore) -> CommandResult<BTreeMap<String, f64>> {
    let now = context.environment.now();
    let head = super::head(context, opened).await?.map(|(_, head)| head);
    let measured = Measured::of(opened, head.as_ref(), now).await?.values();
    let mut values: BTreeMap<String, f64> =
        measured.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    values.extend(counted(&metrics::read(&opened.store).await?, now));
    Ok(values)
}

/// What `argon metrics` shows: how often each happened, in all and in the last minute, and how long one
/// in a hundred took at least.
fn counted(summary: &Summary, now: bson::DateTime) -> Vec<(String, f64)> {
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

const FAILED: &str = "failed";

async fn evaluate(
    rule: &Rule,
    store: &Store,
    values: &BTreeMap<String, f64>,
    context: &Context,
) -> CommandResult<Evaluated> {
    let configured = &rule.configured;
    let Some((value, holds)) = rule.judge(values) else {
        let known: Vec<&str> = values.keys().map(String::as_str).collect();
        context.output.note(&format!(
            "alert '{}': {} has no value here; there are {}",
            configured.name,
            configured.metric,
            known.join(", ")
        ));
        let rule = rule.clone();
        return Ok(Evaluated { rule, value: None, condition: None, delivery: "-" });
    };
    let name = &configured.name;
    let standing = alerts::observe(store, name, holds, configured.for_at_least).await?;
    let delivery = match &standing.notice {
        Some(notice) => {
            let delivered = deliver(rule, notice, Some(value), &store.info().id).await;
            alerts::told(store, name, notice, delivered.is_ok()).await?;
            match delivered {
                Ok(()) => "now",
                Err(error) => {
                    let lines = [format!("alert '{name}' could not be delivered"), error.in_full()];
                    context.output.error(&lines, Some("it is tried again at the next evaluation"));
                    FAILED
                }
            }
        }
        None if standing.is_owed => "by another",
        None => "-",
    };
    let condition = Some(standing.condition);
    Ok(Evaluated { rule: rule.clone(), value: Some(value), condition, delivery })
}

impl Evaluated {
    fn state(&self) -> &'static str {
        match self.condition {
            None => "no value",
            Some(Condition::Quiet) => "quiet",
            Some(Condition::Pending(_)) => "pending",
            Some(Condition::Raised(_)) => "raised",
        }
    }

    fn since(&self) -> Option<String> {
        match self.condition {
            None | Some(Condition::Quiet) => None,
            Some(Condition::Pending(since) | Condition::Raised(since)) => Some(output::time(since)),
        }
    }
}

impl Row for Evaluated {
    fn cells(&self) -> Vec<String> {
        let configured = &self.rule.configured;
        vec![
            configured.name.clone(),
            severity_text(configured.severity).to_owned(),
            self.state().to_owned(),
            self.value.map_or_else(|| "-".to_owned(), |value| value.to_string()),
            self.rule.condition(),
            self.since().unwrap_or_else(|| "-".to_owned()),
            self.delivery.to_owned(),
        ]
    }

    fn json(&self) -> Json {
        let configured = &self.rule.configured;
        Json::object([
            ("alert", configured.name.as_str().into()),
            ("severity", severity_text(configured.severity).into()),
            ("state", self.state().into()),
            ("metric", configured.metric.as_str().into()),
            ("value", self.value.into()),
            ("threshold", self.rule.threshold.into()),
            ("since", self.since().into()),
            ("told", self.delivery.into()),
        ])
    }
}
