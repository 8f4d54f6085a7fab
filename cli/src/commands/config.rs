//! `argon config …`

use std::path::PathBuf;

use argon_core::Error;
use argon_service::settings::keys::{self, KEYS, Kind};
use argon_service::settings::{self, Entry, Level};
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::hints;
use crate::output::{Json, Row};

const EXAMPLES: &str = "\
Who is heard, the later before the earlier:
  store        argon.toml in the store's directory, or in the .argon that points to the store
  user         argon/argon.toml in $XDG_CONFIG_HOME or ~/.config
  environment  variables, as `argon config list` gives them
  options      such as --output

Examples:
  argon config list --show-origin
  argon config set output json
  argon config set retention 30d --store-level";

/// Read and change the settings.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum ConfigCommand {
    /// Print what a setting is
    Get(NamedArgs),
    /// Change a setting in a file, whose comments and order stay
    Set(SetArgs),
    /// Remove a setting from a file
    Unset(UnsetArgs),
    /// List all settings, and what they mean
    List(ListArgs),
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon config get retention")]
pub(crate) struct NamedArgs {
    /// The setting, such as cache.size
    #[arg(value_name = "KEY")]
    key: String,
}

/// The file that is changed.
#[derive(Args)]
struct InFile {
    /// Change the user's file, which is the default
    #[arg(long, conflicts_with = "store_level")]
    user: bool,
    /// Change the file of the store
    #[arg(long)]
    store_level: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon config set retention 30d")]
pub(crate) struct SetArgs {
    /// The setting, such as cache.size
    #[arg(value_name = "KEY")]
    key: String,
    /// What it shall be
    value: String,
    #[command(flatten)]
    file: InFile,
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon config unset retention")]
pub(crate) struct UnsetArgs {
    /// The setting, such as cache.size
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    file: InFile,
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon config list --show-origin")]
pub(crate) struct ListArgs {
    /// Say who has set what, with file and line
    #[arg(long)]
    show_origin: bool,
}

impl ConfigCommand {
    pub(crate) fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Get(NamedArgs { key }) => get(context, &key),
            Self::Set(SetArgs { key, value, file }) => {
                let (level, path) = file.path(context)?;
                settings::edit::set(level, &path, &key, &value)?;
                done(context, &key, &path, "set")
            }
            Self::Unset(UnsetArgs { key, file }) => {
                let (level, path) = file.path(context)?;
                if !settings::edit::unset(level, &path, &key)? {
                    let path = path.display();
                    return Err(Error::not_found(format!("'{key}' is not set in {path}")).into());
                }
                done(context, &key, &path, "removed")
            }
            Self::List(args) => args.run(context),
        }
    }
}

fn get(context: &Context, key: &str) -> CommandResult {
    keys::find(key).ok_or_else(|| settings::unknown(key, ""))?;
    let Some(entry) = context.resolved.entries.get(key) else {
        let error = Error::not_found(format!("'{key}' is not set"));
        return Err(Failure::from(error).hint(format!("`argon config set {key} VALUE` sets it")));
    };
    context.output.one(|| text(entry), || json(entry))
}

fn done(context: &Context, key: &str, path: &std::path::Path, what: &str) -> CommandResult {
    let path = path.display().to_string();
    context.output.done(&format!("{what} {key} in {path}"), || {
        Json::object([("key", key.into()), ("file", path.clone().into())])
    })
}

impl InFile {
    fn path(&self, context: &Context) -> CommandResult<(Level, PathBuf)> {
        if !self.store_level {
            return Ok((Level::User, user_file()?));
        }
        let place = argon_service::discover::find(&context.overrides(), context.settings())?;
        let path = place.settings_file().ok_or_else(|| {
            let error = Error::unsupported(format!("{} has no directory here", place.url));
            Failure::from(error).hint("--user writes the setting into your own file")
        })?;
        Ok((Level::Store, path))
    }
}

/// The user's file.
pub(super) fn user_file() -> argon_core::Result<PathBuf> {
    settings::user_file().ok_or_else(|| {
        Error::not_found("there is no place for your settings: set HOME or XDG_CONFIG_HOME")
    })
}

/// A value as `config set` takes it. Of a webhook only the server is shown: its address may be a secret.
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

fn json(entry: &Entry) -> Json {
    Json::object([
        ("key", entry.name.clone().into()),
        ("value", text(entry).into()),
        ("origin", hints::origin(&entry.name, &entry.origin).into()),
    ])
}

/// One setting, set or not.
struct SettingRow<'a> {
    name: &'a str,
    key: &'static keys::Key,
    entry: Option<&'a Entry>,
    show_origin: bool,
}

impl Row for SettingRow<'_> {
    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.name.to_owned(), self.entry.map(text).unwrap_or_default()];
        if self.show_origin {
            let origin = self.entry.map(|entry| hints::origin(&entry.name, &entry.origin));
            cells.push(origin.unwrap_or_default());
            return cells;
        }
        cells.push(self.key.kind.word().to_owned());
        cells.push(self.key.default.unwrap_or_default().to_owned());
        cells.push(self.key.variable.unwrap_or_default().to_owned());
        cells.push(hints::setting(self.key).to_owned());
        cells
    }

    fn json(&self) -> Json {
        Json::object([
            ("key", self.name.into()),
            ("value", self.entry.map(text).into()),
            ("origin", self.entry.map(|entry| hints::origin(&entry.name, &entry.origin)).into()),
            ("type", self.key.kind.word().into()),
            ("default", self.key.default.into()),
            ("variable", self.key.variable.into()),
            ("help", hints::setting(self.key).into()),
        ])
    }
}

impl ListArgs {
    fn run(&self, context: &Context) -> CommandResult {
        let Self { show_origin } = *self;
        let columns: &[&str] = if show_origin {
            &["KEY", "VALUE", "ORIGIN"]
        } else {
            &["KEY", "VALUE", "TYPE", "DEFAULT", "VARIABLE", "MEANING"]
        };
        let mut listing = context.output.listing(columns);
        let entries = &context.resolved.entries;
        for key in KEYS.iter().filter(|key| key.kind != Kind::Stores) {
            let entry = entries.get(key.name);
            listing.row(&SettingRow { name: key.name, key, entry, show_origin })?;
        }
        for (name, entry) in entries.iter().filter(|(_, entry)| entry.key.kind == Kind::Stores) {
            listing.row(&SettingRow { name, key: entry.key, entry: Some(entry), show_origin })?;
        }
        listing.finish()
    }
}
