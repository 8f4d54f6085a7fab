//! The settings as the commands read them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use argon_core::model::Actor;
use clap::ValueEnum;
use serde::Deserialize;

use super::read;
use crate::output::Format;

/// All settings. What has a default in the table of keys is always there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// The store where nothing else names one: a URL or a name. Never with a password.
    #[serde(default, deserialize_with = "read::store")]
    pub(crate) store: Option<String>,
    #[serde(default, deserialize_with = "read::actor")]
    pub(crate) actor: Option<Actor>,
    pub(crate) output: Format,
    #[serde(deserialize_with = "read::seconds")]
    pub(crate) lock_timeout: Duration,
    pub(crate) cache: CacheSettings,
    #[serde(default)]
    pub(crate) legacy: LegacySettings,
    /// How far back `gc` keeps every state.
    #[serde(deserialize_with = "read::time")]
    pub(crate) retention: Duration,
    pub(crate) metrics: MetricsSettings,
    pub(crate) log: LogSettings,
    pub(crate) health: HealthSettings,
    #[serde(default)]
    pub(crate) alerts: Vec<AlertRule>,
    /// URLs by name, without passwords.
    #[serde(default, deserialize_with = "read::stores")]
    pub(crate) stores: BTreeMap<String, String>,
}

/// `cache.…`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CacheSettings {
    #[serde(default)]
    pub(crate) dir: Option<PathBuf>,
    /// In bytes; 0 keeps nothing.
    #[serde(deserialize_with = "read::size")]
    pub(crate) size: u64,
}

/// `legacy.…`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LegacySettings {
    /// The store of the deprecated commands: a URL or a name.
    #[serde(default, deserialize_with = "read::store")]
    pub(crate) store: Option<String>,
}

/// `metrics.…`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MetricsSettings {
    pub(crate) enabled: bool,
}

/// `log.…`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LogSettings {
    pub(crate) format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// A line of text each
    Text,
    /// A JSON object each
    Json,
}

/// `health.…`: from where on a check does not pass.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HealthSettings {
    /// The most jobs that may wait.
    pub(crate) backlog: u64,
    /// The longest that a job may wait.
    #[serde(deserialize_with = "read::time")]
    pub(crate) lag: Duration,
    /// The most jobs that may have been given up.
    pub(crate) dead_letters: u64,
    /// The least free space, in bytes.
    #[serde(deserialize_with = "read::size")]
    pub(crate) space: u64,
    /// The most commits above the last snapshot, where a store needs snapshots.
    pub(crate) snapshot_commits: u64,
    /// The least time that a server's certificate must be valid yet.
    #[serde(deserialize_with = "read::time")]
    pub(crate) certificate: Duration,
    /// The most that clocks may differ.
    #[serde(deserialize_with = "read::time")]
    pub(crate) clock: Duration,
}

/// One of `[[alerts]]`. Semantics and metrics are those of `argon health alerts`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AlertRule {
    pub(crate) name: String,
    /// As `argon metrics` prints it.
    pub(crate) metric: String,
    pub(crate) op: Comparison,
    /// A number, or a text with a unit such as `5m` or `1GiB`.
    pub(crate) threshold: Threshold,
    /// How long it must hold before it is raised.
    #[serde(rename = "for", default, deserialize_with = "read::time")]
    pub(crate) for_at_least: Duration,
    #[serde(default)]
    pub(crate) severity: Severity,
    /// Where to post it.
    #[serde(default)]
    pub(crate) webhook: Option<String>,
    /// The program, with its arguments, that is given it on standard input.
    #[serde(default)]
    pub(crate) command: Option<Vec<String>>,
    /// The name of the variable of the environment with the webhook's secret.
    #[serde(default, alias = "secret_env")]
    pub(crate) secret_env: Option<String>,
}

/// How a metric is compared with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Comparison {
    #[serde(rename = ">")]
    Above,
    #[serde(rename = ">=")]
    AtLeast,
    #[serde(rename = "<")]
    Below,
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    Different,
}

/// What a metric is compared with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Threshold {
    Number(f64),
    /// With a unit; it is read by whoever knows the metric's.
    Text(String),
}

/// How much an alert matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Info,
    #[default]
    Warning,
    Critical,
}
