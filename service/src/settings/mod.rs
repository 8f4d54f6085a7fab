//! `argon.toml`: what users configure, as types.
//!
//! The file of the store, the user's file, the environment and the caller each say something; the
//! later one wins, key by key. What is *current* in a store is no setting: see `config`.
//!
//! - `values`: the settings as operations read them;
//! - `keys`: the table of keys, with what each means;
//! - `layer`: what one file, or the environment, says;
//! - `resolve`: all layers together, and which of them said what;
//! - `edit`: changing a file, with its comments and order as they are;
//! - `operations`: requests to read and change settings.

pub mod edit;
pub mod keys;
mod layer;
mod operations;
mod read;
mod resolve;
mod values;

pub use self::layer::{Entry, Level, Origin, unknown};
pub(crate) use self::operations::own_file;
pub use self::operations::{
    ChangedSetting, GetSetting, ListSettings, ListedSetting, SetSetting, SettingsFile,
    ShownSetting, UnsetSetting, get, list, set, unset,
};
pub use self::read::is_name;
pub use self::resolve::{Overrides, Resolved, resolve, user_file};
pub use self::values::{
    AlertRule, CacheSettings, Comparison, HealthSettings, LegacySettings, LogFormat, LogSettings,
    MetricsSettings, OutputFormat, Settings, Severity, Threshold,
};
