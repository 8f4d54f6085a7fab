//! The table of keys: what can be configured, and what it means.

use std::path::Path;

use argon_core::Result;
use argon_core::storage::StoreUrl;
use toml::Value;

use super::read::is_name;
use crate::discover::{absolute_from, absolute_path};

/// One thing that can be configured.
#[derive(Debug)]
pub struct Key {
    /// Its name, with a dot between the table and the key in it.
    pub name: &'static str,
    /// What its value is made of.
    pub kind: Kind,
    /// What it is unless somebody says otherwise.
    pub default: Option<&'static str>,
    /// The variable of the environment that sets it.
    pub variable: Option<&'static str>,
    /// What it means.
    pub help: &'static str,
}

/// What a value is made of, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A URL, a name or a directory of a store.
    Store,
    /// Any text.
    Text,
    /// How to print what is asked for.
    Format,
    /// How log lines are written.
    LogFormat,
    /// The path of a directory.
    Directory,
    /// True or false.
    Bool,
    /// A whole number from 0 on.
    Count,
    /// In seconds, with or without a decimal point.
    Seconds,
    /// With a unit of time.
    Time,
    /// With a unit of bytes.
    Size,
    /// URLs by name.
    Stores,
    /// Rules of alerts, a table each.
    Alerts,
}

impl Kind {
    /// A short word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Text => "text",
            Self::Format => "table|json|jsonl",
            Self::LogFormat => "text|json",
            Self::Directory => "directory",
            Self::Bool => "true|false",
            Self::Count => "count",
            Self::Seconds => "seconds",
            Self::Time => "time",
            Self::Size => "bytes",
            Self::Stores => "store URL",
            Self::Alerts => "tables",
        }
    }

    /// What is expected, for a person whose value was refused.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Store => "a store URL without a password, the name of a store, or a directory",
            Self::Text => "a text",
            Self::Format => "\"table\", \"json\" or \"jsonl\"",
            Self::LogFormat => "\"text\" or \"json\"",
            Self::Directory => "the path of a directory",
            Self::Bool => "true or false",
            Self::Count => "a whole number from 0 on",
            Self::Seconds => "a number of seconds",
            Self::Time => "a duration, such as \"15m\" or \"7d\"",
            Self::Size => "a size, such as \"500MiB\" or \"2GiB\"",
            Self::Stores => {
                "a store URL without a password, by a name of letters, digits, '-', '_' and '.'"
            }
            Self::Alerts => {
                "tables [[alerts]] with name, metric, op, threshold, and webhook or command"
            }
        }
    }

    /// A text of the command line or the environment as such a value; one that does not fit stays a
    /// text, and is refused where types are checked.
    pub fn value(self, text: &str) -> Value {
        let text_value = || Value::String(text.to_owned());
        match self {
            Self::Bool => text.parse().map_or_else(|_| text_value(), Value::Boolean),
            Self::Count => text.parse().map_or_else(|_| text_value(), Value::Integer),
            _ => text_value(),
        }
    }
}

impl Kind {
    /// The value with its path made absolute, where a relative one starts at `base`. A setting holds in
    /// every directory. What is no valid value stays as it is, and is refused where types are checked.
    ///
    /// # Errors
    /// `Unavailable` when the working directory can't be read.
    pub(super) fn absolute(self, value: Value, base: &Path) -> Result<Value> {
        let Value::String(text) = &value else { return Ok(value) };
        let is_path = match self {
            Self::Directory => !text.is_empty(),
            Self::Store => !text.is_empty() && !text.contains(':') && !is_name(text),
            _ => false,
        };
        if is_path {
            let path = absolute_path(&base.join(text))?;
            return Ok(path.into_os_string().into_string().map_or(value, Value::String));
        }
        if !matches!(self, Self::Store | Self::Stores) {
            return Ok(value);
        }
        let Ok(url) = text.parse::<StoreUrl>() else { return Ok(value) };
        let url = absolute_from(&url, base)?;
        Ok(Value::String(format!("{}:{}", url.scheme(), url.rest())))
    }
}

/// Every key; those of `stores` and `alerts` are the user's own.
pub const KEYS: &[Key] = &[
    key(
        "store",
        Kind::Store,
        None,
        Some("ARGON_STORE"),
        "the store where neither the caller nor a .argon names one (the user's file only)",
    ),
    key(
        "actor",
        Kind::Text,
        None,
        Some("ARGON_ACTOR"),
        "who makes commits; without it the user's name",
    ),
    key(
        "output",
        Kind::Format,
        Some("table"),
        Some("ARGON_OUTPUT"),
        "how to print what is asked for",
    ),
    key(
        "lock-timeout",
        Kind::Seconds,
        Some("5"),
        Some("ARGON_LOCK_TIMEOUT"),
        "how long to wait for a server, or another process that has the store open",
    ),
    key(
        "cache.dir",
        Kind::Directory,
        None,
        Some("ARGON_CACHE_DIR"),
        "where copies of what never changes in a store on a network are",
    ),
    key(
        "cache.size",
        Kind::Size,
        Some("1GiB"),
        Some("ARGON_CACHE_SIZE"),
        "the most that these copies may take; 0 keeps none",
    ),
    key(
        "legacy.store",
        Kind::Store,
        None,
        Some("ARGON_LEGACY_STORE"),
        "the store of the deprecated operations",
    ),
    key(
        "retention",
        Kind::Time,
        Some("7d"),
        Some("ARGON_RETENTION"),
        "how far back garbage collection keeps every state",
    ),
    key(
        "metrics.enabled",
        Kind::Bool,
        Some("true"),
        Some("ARGON_METRICS"),
        "whether metrics are kept in the store",
    ),
    key(
        "log.format",
        Kind::LogFormat,
        Some("text"),
        Some("ARGON_LOG_FORMAT"),
        "how log lines are written",
    ),
    key("health.backlog", Kind::Count, Some("1000"), None, "the most jobs that may wait"),
    key("health.lag", Kind::Time, Some("5m"), None, "the longest that a job may wait"),
    key(
        "health.dead-letters",
        Kind::Count,
        Some("0"),
        None,
        "the most jobs that may have been given up",
    ),
    key("health.space", Kind::Size, Some("1GiB"), None, "the least free space"),
    key(
        "health.snapshot-commits",
        Kind::Count,
        Some("10000"),
        None,
        "the most commits above the last snapshot",
    ),
    key(
        "health.certificate",
        Kind::Time,
        Some("14d"),
        None,
        "the least time that a certificate must be valid yet",
    ),
    key("health.clock", Kind::Time, Some("5s"), None, "the most that clocks may differ"),
    key("alerts", Kind::Alerts, None, None, "rules of alerts, with their receivers"),
    key("stores", Kind::Stores, None, None, "stores.NAME: a store by name (the user's file only)"),
];

const fn key(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    variable: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key { name, kind, default, variable, help }
}

/// The key of this name; `stores.NAME` is that of `stores`.
pub fn find(name: &str) -> Option<&'static Key> {
    let name = if name.starts_with("stores.") { "stores" } else { name };
    KEYS.iter().find(|key| key.name == name)
}

/// Whether keys of this table are known.
pub(super) fn is_table(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// Whether the key says which store is meant, so that the store itself can't say it.
pub(super) fn is_of_user(key: &Key) -> bool {
    matches!(key.name, "store" | "stores")
}

/// The known name that is most like an unknown one, if any is alike.
pub fn nearest(name: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.75;
    let scored = KEYS.iter().map(|key| (strsim::jaro_winkler(name, key.name), key.name));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}
