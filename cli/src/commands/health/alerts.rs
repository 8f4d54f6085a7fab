//! `argon health alerts`

use std::collections::BTreeMap;
use std::time::Duration;

use argon_core::ErrorKind;
use argon_service::health::{self, Delivery, EvaluatedAlert, Rule};
use argon_service::json::name;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::Cells;

const EXAMPLES: &str = "\
Examples:
  argon health alerts                      once, as from cron
  argon health alerts --watch 30           every 30 seconds, until Ctrl-C

Metrics of rules: those that `argon health` checks (backlog_waiting, backlog_dead, backlog_lag_seconds,
free_bytes, snapshot_commits, clock_behind_seconds the last commit, clock_off_seconds from the server,
certificate_seconds until the first one ends), and for each line of `argon metrics` its counts and its
99th percentile (append_total, append_last_minute, append_p99_seconds).

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

/// Evaluate the rules of the configuration, and deliver alerts that begin or end to their receivers.
///
/// A receiver gets one message when an alert is raised and one when it is cleared, however many
/// processes evaluate the rules. The next evaluation repeats a failed delivery, with the same id; a
/// failed delivery gives exit code 6. The message is JSON: posted to a webhook, where the header
/// X-Argon-Signature is sha256= and the HMAC-SHA256 of the body if a secret is configured; or on
/// standard input of a command, which accepts it by ending with 0.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AlertsArgs {
    /// Evaluate again every N seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    watch: Option<u64>,
}

impl AlertsArgs {
    pub(super) async fn run(self, context: &Context) -> CommandResult {
        let rules = Rule::all(&context.settings().alerts)?;
        if rules.is_empty() {
            context.output.say("no alerts are configured; `argon health alerts --help` shows how");
        }
        let Some(seconds) = self.watch else { return once(&rules, context).await };
        // One for all rounds, so that a signal during a round ends the loop after it.
        let mut ended = std::pin::pin!(crate::teardown::asked_to_end());
        loop {
            // The next round may reach a store or a receiver that this one did not.
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

/// Evaluates all rules once. The store is open meanwhile only, so that others can open it in between.
async fn once(rules: &[Rule], context: &Context) -> CommandResult {
    let opened = context.store().await?;
    let now = context.environment.now();
    let head = health::head(&opened, &super::request(context)).await?.map(|(_, head)| head);
    let values = health::values(&opened.store, &opened.place, head.as_ref(), now).await?;
    let store = opened.store;
    let mut listing = context.output.listing(&[
        "ALERT",
        "SEVERITY",
        "STATE",
        "VALUE",
        "CONDITION",
        "SINCE",
        "DELIVERED",
    ]);
    let mut failed = false;
    for rule in rules {
        let evaluated = health::evaluate(rule, &store, &values).await?;
        report(&evaluated, &values, context);
        failed |= evaluated.delivery == Delivery::Failed;
        listing.item(&evaluated)?;
    }
    listing.finish()?;
    drop(context.take_opened());
    if failed { Err(Failure::Reported(ErrorKind::Unavailable)) } else { Ok(()) }
}

/// Reports a missing value and a failed delivery.
fn report(evaluated: &EvaluatedAlert, values: &BTreeMap<String, f64>, context: &Context) {
    let EvaluatedAlert { alert, metric, .. } = evaluated;
    if evaluated.value.is_none() {
        let known: Vec<&str> = values.keys().map(String::as_str).collect();
        context.output.note(&format!(
            "alert '{alert}': {metric} has no value here; known values: {}",
            known.join(", ")
        ));
    }
    if let Some(error) = &evaluated.error {
        let message = format!("alert '{alert}' could not be delivered");
        let hint = "the next evaluation tries it again";
        context.output.error(&message, &[error.in_full()], Some(hint));
    }
}

impl Cells for EvaluatedAlert {
    fn cells(&self) -> Vec<String> {
        vec![
            self.alert.clone(),
            name(&self.severity),
            name(&self.state),
            self.value.map_or_else(|| "-".to_owned(), |value| value.to_string()),
            self.condition.clone(),
            self.since.map_or_else(|| "-".to_owned(), |since| since.to_string()),
            name(&self.delivery),
        ]
    }
}
