//! `argon.toml`: what users configure, as types.
//!
//! The file of the store, the user's file, the environment and the options each say something; the
//! later one wins, key by key. What is *current* in a store is no setting: see `config`.
//!
//! - `values`: the settings as the commands read them;
//! - `keys`: the table of keys, with what each means;
//! - `layer`: what one file, or the environment, says;
//! - `resolve`: all layers together, and which of them said what;
//! - `edit`: changing a file, with its comments and order as they are.

pub(crate) mod edit;
pub(crate) mod keys;
mod layer;
mod read;
mod resolve;
mod values;

pub(crate) use self::layer::{Entry, Level, unknown};
pub(crate) use self::read::is_name;
pub(crate) use self::resolve::{Resolved, resolve, user_file};
pub(crate) use self::values::{
    AlertRule, Comparison, HealthSettings, LogFormat, Settings, Severity, Threshold,
};
