//! `argon health alerts`

use std::collections::BTreeMap;
use std::time::Duration;

use argon_core::ErrorKind;
use argon_core::alerts::AlertState;
use argon_service::health::{self, Delivery, Evaluated, Rule, severity_text};
use clap::Args;

use crate::context::Context;
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

impl AlertsArgs {
    pub(super) async fn run(self, context: &Context) -> CommandResult {
        let rules = Rule::all(&context.settings().alerts)?;
        if rules.is_empty() {
            context.output.say("no alerts are configured; `argon health alerts --help` shows how");
        }
        let Some(seconds) = self.watch else { return once(&rules, context).await };
        // One for all rounds, so that a signal during one is heard after it.
        let mut ended = std::pin::pin!(crate::teardown::asked_to_end());
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
    let now = context.environment.now();
    let head = super::head(context, &opened).await?.map(|(_, head)| head);
    let values = health::values(&opened.store, &opened.place, head.as_ref(), now).await?;
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
        let evaluated = health::evaluate(rule, &store, &values).await?;
        report(&evaluated, &values, context);
        failed |= matches!(evaluated.delivery, Delivery::Failed(_));
        listing.row(&AlertRow(evaluated))?;
    }
    listing.finish()?;
    drop(context.take_opened());
    if failed { Err(Failure::Reported(ErrorKind::Unavailable)) } else { Ok(()) }
}

/// Says what became of a rule besides its row.
fn report(evaluated: &Evaluated, values: &BTreeMap<String, f64>, context: &Context) {
    let configured = &evaluated.rule.configured;
    let name = &configured.name;
    if evaluated.value.is_none() {
        let known: Vec<&str> = values.keys().map(String::as_str).collect();
        context.output.note(&format!(
            "alert '{name}': {} has no value here; there are {}",
            configured.metric,
            known.join(", ")
        ));
    }
    if let Delivery::Failed(error) = &evaluated.delivery {
        let lines = [format!("alert '{name}' could not be delivered"), error.in_full()];
        context.output.error(&lines, Some("it is tried again at the next evaluation"));
    }
}

/// A rule and what became of it, as a row.
struct AlertRow(Evaluated);

impl AlertRow {
    fn told(&self) -> &'static str {
        match self.0.delivery {
            Delivery::Nothing => "-",
            Delivery::Now => "now",
            Delivery::ByAnother => "by another",
            Delivery::Failed(_) => "failed",
        }
    }

    fn state(&self) -> &'static str {
        match self.0.condition {
            None => "no value",
            Some(AlertState::Quiet) => "quiet",
            Some(AlertState::Pending(_)) => "pending",
            Some(AlertState::Raised(_)) => "raised",
        }
    }

    fn since(&self) -> Option<String> {
        match self.0.condition {
            None | Some(AlertState::Quiet) => None,
            Some(AlertState::Pending(since) | AlertState::Raised(since)) => {
                Some(output::time(since))
            }
        }
    }
}

impl Row for AlertRow {
    fn cells(&self) -> Vec<String> {
        let configured = &self.0.rule.configured;
        vec![
            configured.name.clone(),
            severity_text(configured.severity).to_owned(),
            self.state().to_owned(),
            self.0.value.map_or_else(|| "-".to_owned(), |value| value.to_string()),
            self.0.rule.condition(),
            self.since().unwrap_or_else(|| "-".to_owned()),
            self.told().to_owned(),
        ]
    }

    fn json(&self) -> Json {
        let configured = &self.0.rule.configured;
        Json::object([
            ("alert", configured.name.as_str().into()),
            ("severity", severity_text(configured.severity).into()),
            ("state", self.state().into()),
            ("metric", configured.metric.as_str().into()),
            ("value", self.0.value.into()),
            ("threshold", self.0.rule.threshold.into()),
            ("since", self.since().into()),
            ("told", self.told().into()),
        ])
    }
}
