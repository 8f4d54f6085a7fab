//! All layers together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use argon_core::Error;
use argon_core::storage::StoreUrl;
use toml::{Table, Value};

use super::keys::{self, Kind};
use super::layer::{self, Entry, Level, Origin};
use super::values::OutputFormat;
use super::values::Settings;
use crate::{Result, config};

/// What the caller says above all files and variables.
#[derive(Clone, Default)]
pub struct Overrides {
    /// The store: a URL, which may hold a password, a name, or a directory.
    pub store: Option<String>,
    /// A file with the store's URL on its first line.
    pub store_file: Option<PathBuf>,
    /// How to print what is asked for.
    pub output: Option<OutputFormat>,
    /// How long to wait for a server, or another process that has the store open.
    pub lock_timeout: Option<Duration>,
    /// Where copies of what never changes are kept.
    pub cache_dir: Option<PathBuf>,
    /// The most that these copies may take, in bytes.
    pub cache_size: Option<u64>,
}

/// The settings, and who said which.
#[derive(Debug)]
pub struct Resolved {
    /// The settings.
    pub settings: Settings,
    /// By name; those that nobody has set are not in it.
    pub entries: BTreeMap<String, Entry>,
}

/// The user's file; `None` for a user without a home.
pub fn user_file() -> Option<PathBuf> {
    config::user_settings().map(|directory| Level::file(&directory))
}

/// Resolves the settings: defaults, the store's file if there is one, the user's, the environment, the
/// caller. A later one wins, a list as a whole.
///
/// # Errors
/// `Invalid` for what a file or a variable says wrong, with the place; those of reading a file.
pub fn resolve(overrides: &Overrides, store_file: Option<&Path>) -> Result<Resolved> {
    let mut layers = layer::defaults();
    if let Some(file) = store_file {
        layers.extend(layer::file(Level::Store, file)?);
    }
    if let Some(file) = user_file() {
        layers.extend(layer::file(Level::User, &file)?);
    }
    layers.extend(layer::environment()?);
    layers.extend(of_caller(overrides));
    let defaults = nested(&layer::defaults());
    for entry in &layers {
        check(entry, &defaults)?;
    }
    let entries: BTreeMap<String, Entry> =
        layers.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    let values: Vec<Entry> = entries.values().cloned().collect();
    let mut settings =
        typed(nested(&values)).map_err(|error| Error::internal(error.to_string()))?;
    // As it was given: a path need not be text.
    settings.cache.dir = overrides.cache_dir.clone().or(settings.cache.dir);
    let mut resolved = Resolved { settings, entries };
    resolved.name_store(overrides)?;
    Ok(resolved)
}

impl Resolved {
    /// Takes up the store that the caller or the environment names, for showing only: it may hold a password.
    fn name_store(&mut self, overrides: &Overrides) -> Result<()> {
        let variable = crate::credentials::variable("ARGON_STORE")?;
        let (text, origin) = match (overrides.store.as_deref(), variable.as_deref()) {
            (Some(text), _) => (text, Origin::Caller),
            (None, Some(text)) => (text, Origin::Variable("ARGON_STORE")),
            (None, None) => return Ok(()),
        };
        let shown = match text.parse::<StoreUrl>() {
            Ok(url) => url.to_string(),
            Err(_) if text.contains(':') => "…".to_owned(),
            Err(_) => text.to_owned(),
        };
        if let Some(key) = keys::find("store") {
            self.entries.insert("store".to_owned(), layer::entry(key, &shown, origin));
        }
        Ok(())
    }
}

/// What the caller says.
fn of_caller(overrides: &Overrides) -> Vec<Entry> {
    let said = [
        ("output", overrides.output.map(|format| format.name().to_owned())),
        ("lock-timeout", overrides.lock_timeout.map(|time| time.as_secs_f64().to_string())),
        ("cache.dir", overrides.cache_dir.as_ref().map(|path| path.to_string_lossy().into_owned())),
        ("cache.size", overrides.cache_size.map(|size| size.to_string())),
    ];
    let entries = said
        .into_iter()
        .filter_map(|(name, text)| Some(layer::entry(keys::find(name)?, &text?, Origin::Caller)));
    entries.collect()
}

/// Refuses a value that is not of the key's type.
fn check(entry: &Entry, defaults: &Table) -> Result<()> {
    let mut table = defaults.clone();
    insert(&mut table, &entry.name, entry.value.clone());
    let Err(error) = typed(table) else { return Ok(()) };
    let Entry { name, key, value, origin } = entry;
    let place = match origin {
        Origin::File(_, path, line) => format!("{}:{line}: {name}", path.display()),
        Origin::Variable(variable) => format!("{variable} ({name})"),
        Origin::Caller | Origin::Default => name.clone(),
    };
    let expected = key.kind.expected();
    // What should be a URL may hold a password.
    let found = match key.kind {
        Kind::Store | Kind::Stores | Kind::Alerts => String::new(),
        _ => format!(", but is {value}"),
    };
    let error = error.message().trim().to_owned();
    Err(Error::invalid(format!("{place} should be {expected}{found}")).with_source(error).into())
}

/// Checks a value that is to be written.
pub(super) fn check_new(entry: &Entry) -> Result<()> {
    check(entry, &nested(&layer::defaults()))
}

fn typed(table: Table) -> std::result::Result<Settings, toml::de::Error> {
    Value::Table(table).try_into()
}

fn nested(entries: &[Entry]) -> Table {
    let mut table = Table::new();
    for entry in entries {
        insert(&mut table, &entry.name, entry.value.clone());
    }
    table
}

/// Sets what a name with a dot stands for. The names of stores may have dots themselves.
fn insert(table: &mut Table, name: &str, value: Value) {
    let Some((outer, inner)) = name.split_once('.') else {
        table.insert(name.to_owned(), value);
        return;
    };
    let inside = table.entry(outer).or_insert_with(|| Value::Table(Table::new()));
    if let Some(inside) = inside.as_table_mut() {
        inside.insert(inner.to_owned(), value);
    }
}
