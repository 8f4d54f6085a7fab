//! What one file, the environment or the caller says.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use argon_core::Error;
use toml::Value;
use toml_edit::{Document, Item, TableLike};

use super::keys::{self, KEYS, Key, Kind};
use crate::{Failure, Hint, Result, config, small_file};

/// The file's name.
const FILE: &str = "argon.toml";

/// Whose file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Beside the store, or in the directory that points to it.
    Store,
    /// In the user's directory for settings.
    User,
}

impl Level {
    /// The file of this level in a directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join(FILE)
    }
}

/// Who says what a setting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody: it is the default of the table of keys.
    Default,
    /// A file, at this line.
    File(Level, PathBuf, usize),
    /// A variable of the environment.
    Variable(&'static str),
    /// The caller.
    Caller,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(Level::Store, path, line) => write!(f, "store: {}:{line}", path.display()),
            Self::File(Level::User, path, line) => write!(f, "user: {}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment: {name}"),
            Self::Caller => f.write_str("caller"),
        }
    }
}

/// One setting, said somewhere. Its name has the table before it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name, with the table before it.
    pub name: String,
    /// What is known of it.
    pub key: &'static Key,
    /// What it is.
    pub value: Value,
    /// Who says so.
    pub origin: Origin,
}

/// What has no origin but the table of keys.
pub(super) fn defaults() -> Vec<Entry> {
    let known = KEYS.iter().filter_map(|key| Some((key, key.default?)));
    known.map(|(key, text)| entry(key, text, Origin::Default)).collect()
}

/// What the environment says. Which store it names is left to `credentials`, as it may hold a password.
pub(super) fn environment() -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for key in KEYS.iter().filter(|key| key.name != "store") {
        let Some(variable) = key.variable else { continue };
        let Some(text) = crate::credentials::variable(variable)? else { continue };
        entries.push(entry(key, &text, Origin::Variable(variable)));
    }
    Ok(entries)
}

pub(super) fn entry(key: &'static Key, text: &str, origin: Origin) -> Entry {
    Entry { name: key.name.to_owned(), key, value: key.kind.value(text), origin }
}

/// What a file says; one that is not there says nothing.
///
/// # Errors
/// `Invalid` for what is not TOML, and for a key that is not known or is not for this level, with the
/// file and the line; those of reading.
pub(super) fn file(level: Level, path: &Path) -> Result<Vec<Entry>> {
    let text = match small_file::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(config::failed("read", path, error).into()),
    };
    let reader = FileReader { level, path, text: &text };
    // The error of the parser shows the line, which may hold a password.
    let document = Document::parse(text.as_str()).map_err(|error| {
        let line = error.span().map_or(1, |span| reader.line(span.start));
        Error::invalid(format!("{}:{line} is not TOML: {}", path.display(), error.message()))
    })?;
    let mut entries = Vec::new();
    reader.table("", document.as_table(), &mut entries)?;
    Ok(entries)
}

struct FileReader<'a> {
    level: Level,
    path: &'a Path,
    text: &'a str,
}

impl FileReader<'_> {
    fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
    }

    /// Takes up what a table says; its name is empty for the whole file.
    fn table(&self, name: &str, table: &dyn TableLike, entries: &mut Vec<Entry>) -> Result<()> {
        for (in_table, item) in table.iter() {
            let name =
                if name.is_empty() { in_table.to_owned() } else { format!("{name}.{in_table}") };
            let span = table.get_key_value(in_table).and_then(|(key, _)| key.span());
            let line = span.or_else(|| item.span()).map_or(1, |span| self.line(span.start));
            match (keys::find(&name), item.as_table_like()) {
                (Some(Key { kind: Kind::Stores, .. }), Some(inner)) if name == "stores" => {
                    self.table(&name, inner, entries)?;
                }
                (Some(key), _) => entries.push(self.known(name, key, item, line)?),
                (None, Some(inner)) if keys::is_table(&name) => {
                    self.table(&name, inner, entries)?;
                }
                (None, _) => {
                    return Err(unknown(&name, &format!("{}:{line}: ", self.path.display())));
                }
            }
        }
        Ok(())
    }

    fn known(&self, name: String, key: &'static Key, item: &Item, line: usize) -> Result<Entry> {
        let path = self.path.display();
        if self.level == Level::Store && keys::is_of_user(key) {
            let error = Error::invalid(format!(
                "{path}:{line}: '{name}' says which store is meant, so it belongs in the user's file"
            ));
            return Err(Failure::from(error).hint(Hint::MoveToUserSettings));
        }
        let value = plain(item).ok_or_else(|| {
            let expected = key.kind.expected();
            Error::invalid(format!("{path}:{line}: {name} should be {expected}"))
        })?;
        // A relative path starts at the file that has it.
        let base = self.path.parent().unwrap_or(Path::new(""));
        let value = key.kind.absolute(value, base)?;
        let origin = Origin::File(self.level, self.path.to_owned(), line);
        Ok(Entry { name, key, value, origin })
    }
}

/// A value without what stands around it in its file.
fn plain(item: &Item) -> Option<Value> {
    let value = item.clone().into_value().ok()?;
    let text = format!("value = {}", value.decorated(" ", ""));
    toml::from_str::<toml::Table>(&text).ok()?.remove("value")
}

/// The error for a key that is not known; `before` says where it stands.
pub fn unknown(name: &str, before: &str) -> Failure {
    let unknown = format!("{before}unknown setting '{name}'");
    match keys::nearest(name) {
        Some(nearest) => Error::invalid(format!("{unknown}; did you mean '{nearest}'?")).into(),
        None => Failure::from(Error::invalid(unknown)).hint(Hint::ListSettings),
    }
}
