//! The settings as operations read them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use argon_core::model::Actor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read;

/// All settings. What has a default in the table of keys is always there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The store where nothing else names one: a URL or a name. Never with a password.
    #[serde(default, deserialize_with = "read::store")]
    pub store: Option<String>,
    /// Who makes commits; without it the user's name.
    #[serde(default, deserialize_with = "read::actor")]
    pub actor: Option<Actor>,
    /// How to print what is asked for.
    pub output: OutputFormat,
    /// How long to wait for a server, or another process that has the store open.
    #[serde(deserialize_with = "read::seconds")]
    pub lock_timeout: Duration,
    /// Copies of what never changes in a store on a network.
    pub cache: CacheSettings,
    /// Stores of the legacy system.
    #[serde(default)]
    pub legacy: LegacySettings,
    /// How far back garbage collection keeps every state.
    #[serde(deserialize_with = "read::time")]
    pub retention: Duration,
    /// Metrics.
    pub metrics: MetricsSettings,
    /// Log lines.
    pub log: LogSettings,
    /// The limits of checks.
    pub health: HealthSettings,
    /// Rules of alerts, with their receivers.
    #[serde(default)]
    pub alerts: Vec<AlertRule>,
    /// URLs by name, without passwords.
    #[serde(default, deserialize_with = "read::stores")]
    pub stores: BTreeMap<String, String>,
}

/// `cache.…`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CacheSettings {
    /// Where they are; without it in the user's directory for caches.
    #[serde(default)]
    pub dir: Option<PathBuf>,
    /// In bytes; 0 keeps nothing.
    #[serde(deserialize_with = "read::size")]
    pub size: u64,
}

/// `legacy.…`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LegacySettings {
    /// The store of the deprecated operations: a URL or a name.
    #[serde(default, deserialize_with = "read::store")]
    pub store: Option<String>,
}

/// `metrics.…`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MetricsSettings {
    /// Whether they are kept in the store.
    pub enabled: bool,
}

/// `log.…`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogSettings {
    /// How they are written.
    pub format: LogFormat,
}

/// How what was asked for is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// For people: columns, and documents as one line of JSON each.
    Table,
    /// One JSON value.
    Json,
    /// One JSON value a line, each printed as soon as it is known.
    Jsonl,
}

impl OutputFormat {
    /// Its name in files and variables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
        }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line of text each.
    Text,
    /// A JSON object each.
    Json,
}

/// `health.…`: from where on a check does not pass.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HealthSettings {
    /// The most jobs that may wait.
    pub backlog: u64,
    /// The longest that a job may wait.
    #[serde(deserialize_with = "read::time")]
    pub lag: Duration,
    /// The most jobs that may have been given up.
    pub dead_letters: u64,
    /// The least free space, in bytes.
    #[serde(deserialize_with = "read::size")]
    pub space: u64,
    /// The most commits above the last snapshot, where a store needs snapshots.
    pub snapshot_commits: u64,
    /// The least time that a server's certificate must be valid yet.
    #[serde(deserialize_with = "read::time")]
    pub certificate: Duration,
    /// The most that clocks may differ.
    #[serde(deserialize_with = "read::time")]
    pub clock: Duration,
}

/// One of `[[alerts]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlertRule {
    /// Its name, which no other rule has.
    pub name: String,
    /// Its name in lists of metrics.
    pub metric: String,
    /// How the metric is compared with the threshold.
    pub op: Comparison,
    /// A number, or a text with a unit such as `5m` or `1GiB`.
    pub threshold: Threshold,
    /// How long it must hold before it is raised.
    #[serde(rename = "for", default, deserialize_with = "read::time")]
    pub for_at_least: Duration,
    /// How much it matters.
    #[serde(default)]
    pub severity: Severity,
    /// Where to post it.
    #[serde(default)]
    pub webhook: Option<String>,
    /// The program, with its arguments, that is given it on standard input.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// The name of the variable of the environment with the webhook's secret.
    #[serde(default, alias = "secret_env")]
    pub secret_env: Option<String>,
}

/// How a metric is compared with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Comparison {
    /// The value is above the threshold.
    #[serde(rename = ">")]
    Above,
    /// It is the threshold or above.
    #[serde(rename = ">=")]
    AtLeast,
    /// It is below.
    #[serde(rename = "<")]
    Below,
    /// It is the threshold or below.
    #[serde(rename = "<=")]
    AtMost,
    /// It is the threshold.
    #[serde(rename = "==")]
    Equal,
    /// It is another.
    #[serde(rename = "!=")]
    Different,
}

/// What a metric is compared with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Threshold {
    /// In the metric's unit.
    Number(f64),
    /// With a unit; it is read by whoever knows the metric's.
    Text(String),
}

/// The severity of an alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For information.
    Info,
    /// It needs attention.
    #[default]
    Warning,
    /// It needs attention now.
    Critical,
}
