//! Reading and changing settings on request.

use std::path::PathBuf;

use argon_core::{Error, Hint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys::{self, KEYS, Key, Kind};
use super::layer::{Entry, Level};
use super::resolve::{Overrides, Resolved, user_file};
use super::{Settings, edit, unknown};
use crate::{Failure, Result, Wording, discover};

/// Show a setting.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct GetSetting {
    /// The key, such as `cache.size`.
    pub key: String,
}

/// Set a setting in a file, whose comments and order stay.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct SetSetting {
    /// The key, such as `cache.size`.
    pub key: String,
    /// The value.
    pub value: String,
    /// The file.
    #[serde(default)]
    pub file: SettingsFile,
}

/// Remove a setting from a file, whose comments and order stay.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UnsetSetting {
    /// The key, such as `cache.size`.
    pub key: String,
    /// The file.
    #[serde(default)]
    pub file: SettingsFile,
}

/// List all settings with their meanings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListSettings {}

/// A file of settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingsFile {
    /// The user's file.
    #[default]
    User,
    /// The file of the store.
    Store,
}

/// A setting with its value.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownSetting {
    /// The key.
    pub key: String,
    /// The value; of a webhook only the server, since its address may be a secret.
    pub value: String,
    /// Where it is set.
    pub origin: String,
}

/// A setting, set or not.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedSetting {
    /// The key.
    pub key: String,
    /// The value, if it is set.
    pub value: Option<String>,
    /// Where it is set.
    pub origin: Option<String>,
    /// The type of the value.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The default value.
    pub default: Option<&'static str>,
    /// The variable of the environment that sets it.
    pub variable: Option<&'static str>,
    /// The meaning.
    pub help: &'static str,
}

/// A setting that was changed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangedSetting {
    /// The key.
    pub key: String,
    /// The file.
    pub file: PathBuf,
}

/// Shows a setting.
///
/// # Errors
/// `Invalid` for an unknown key; `NotFound` if it is not set.
pub fn get(
    resolved: &Resolved,
    wording: &dyn Wording,
    request: GetSetting,
) -> Result<ShownSetting> {
    let key = request.key;
    keys::find(&key).ok_or_else(|| unknown(&key, ""))?;
    let Some(entry) = resolved.entries.get(&key) else {
        let error = Error::not_found(format!("'{key}' is not set"));
        return Err(Failure::from(error).hint(Hint::SetSetting { key }));
    };
    let (value, origin) = (text(entry), wording.origin(&entry.name, &entry.origin));
    Ok(ShownSetting { key, value, origin })
}

/// Lists all settings: those of the table of keys in its order, then the names of stores.
pub fn list(resolved: &Resolved, wording: &dyn Wording, _: ListSettings) -> Vec<ListedSetting> {
    let entries = &resolved.entries;
    let shown = |name: &str, key: &Key, entry: Option<&Entry>| ListedSetting {
        key: name.to_owned(),
        value: entry.map(text),
        origin: entry.map(|entry| wording.origin(&entry.name, &entry.origin)),
        kind: key.kind.word(),
        default: key.default,
        variable: key.variable,
        help: wording.setting(key),
    };
    let of_table = KEYS.iter().filter(|key| key.kind != Kind::Stores);
    let of_table = of_table.map(|key| shown(key.name, key, entries.get(key.name)));
    let stores = entries.iter().filter(|(_, entry)| entry.key.kind == Kind::Stores);
    let stores = stores.map(|(name, entry)| shown(name, entry.key, Some(entry)));
    of_table.chain(stores).collect()
}

/// Sets a setting in a file.
///
/// # Errors
/// `Invalid` for an unknown key or a value of another type; `Unsupported` if the store has no file.
pub fn set(
    overrides: &Overrides,
    settings: &Settings,
    request: SetSetting,
) -> Result<ChangedSetting> {
    let SetSetting { key, value, file } = request;
    let (level, path) = file.locate(overrides, settings)?;
    edit::set(level, &path, &key, &value)?;
    Ok(ChangedSetting { key, file: path })
}

/// Removes a setting from a file.
///
/// # Errors
/// `NotFound` if it is not set there; `Invalid` for an unknown key; `Unsupported` if the store has no file.
pub fn unset(
    overrides: &Overrides,
    settings: &Settings,
    request: UnsetSetting,
) -> Result<ChangedSetting> {
    let UnsetSetting { key, file } = request;
    let (level, path) = file.locate(overrides, settings)?;
    if !edit::unset(level, &path, &key)? {
        let error = Error::not_found(format!("'{key}' is not set in {}", path.display()));
        return Err(error.into());
    }
    Ok(ChangedSetting { key, file: path })
}

impl SettingsFile {
    fn locate(self, overrides: &Overrides, settings: &Settings) -> Result<(Level, PathBuf)> {
        if self == Self::User {
            return Ok((Level::User, own_file()?));
        }
        let place = discover::find(overrides, settings)?;
        let path = place.settings_file().ok_or_else(|| {
            let error = Error::unsupported(format!("{} has no directory here", place.url));
            Failure::from(error).hint(Hint::UseUserSettings)
        })?;
        Ok((Level::Store, path))
    }
}

/// The user's file.
///
/// # Errors
/// `NotFound` for a user without a home.
pub(crate) fn own_file() -> argon_core::Result<PathBuf> {
    let missing = "unknown directory of your settings: set HOME";
    user_file().ok_or_else(|| Error::not_found(missing))
}

/// A value as [`set`] takes it.
fn text(entry: &Entry) -> String {
    match &entry.value {
        toml::Value::String(text) => text.clone(),
        alerts if entry.key.kind == Kind::Alerts => {
            let mut shown = alerts.clone();
            for rule in shown.as_array_mut().into_iter().flatten() {
                if let Some(webhook) = rule.get_mut("webhook") {
                    *webhook = server_of(webhook).into();
                }
            }
            shown.to_string()
        }
        other => other.to_string(),
    }
}

/// The server of a webhook's address, without what identifies its owner.
fn server_of(webhook: &toml::Value) -> String {
    let parts = webhook.as_str().and_then(|text| text.split_once("://"));
    parts.map_or_else(
        || "…".to_owned(),
        |(scheme, rest)| {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/…")
        },
    )
}
