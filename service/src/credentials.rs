//! The store's URL and password as the user gives them: arguments, environment, files.
//!
//! A URL may hold a password, so it is never repeated as it was given.

use std::env::VarError;
use std::fs;
use std::path::{Path, PathBuf};

use argon_core::storage::{Secret, StoreUrl};
use argon_core::{Error, Result};

use crate::config;
use crate::settings::{Overrides, Settings};
use crate::small_file;

/// A URL, or a store's directory, that the user named.
pub struct Said {
    /// The text, which may hold a password.
    pub text: String,
    /// Where it was said.
    pub by: SaidBy,
}

/// Where the user named a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaidBy {
    /// By an argument, where other users of the machine may read it.
    Argument,
    /// In the environment.
    Environment,
    /// In this file.
    File(PathBuf),
    /// By `store` in the settings.
    Settings,
    /// By a name that has its URL in the settings, which have no passwords.
    Name(String, Box<SaidBy>),
}

impl std::fmt::Display for SaidBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument => f.write_str("an argument"),
            Self::Environment => f.write_str("ARGON_STORE"),
            Self::File(path) => path.display().fmt(f),
            Self::Settings => f.write_str("the setting 'store'"),
            Self::Name(name, by) => write!(f, "the name '{name}' in {by}"),
        }
    }
}

/// The store that the user named; `None` if the nearest is meant. An argument goes before the
/// environment.
///
/// # Errors
/// `Invalid` when it is named twice, or when the file is empty; those of reading the file.
pub fn store(overrides: &Overrides, settings: &Settings) -> Result<Option<Said>> {
    Ok(named(overrides)?.map(|said| said.resolved(settings)))
}

/// The store that the settings name for where there is no other.
pub fn configured(settings: &Settings) -> Option<Said> {
    let text = settings.store.clone()?;
    Some(Said { text, by: SaidBy::Settings }.resolved(settings))
}

impl Said {
    /// With the URL in place of a name that the settings give one. Such a name goes before a directory
    /// of the same name.
    pub fn resolved(mut self, settings: &Settings) -> Self {
        if let Some(url) = settings.stores.get(&self.text) {
            let name = std::mem::replace(&mut self.text, url.clone());
            self.by = SaidBy::Name(name, Box::new(self.by));
        }
        self
    }
}

fn named(overrides: &Overrides) -> Result<Option<Said>> {
    if let Some(text) = overrides.store.clone().filter(|text| !text.is_empty()) {
        return Ok(Some(Said { text, by: SaidBy::Argument }));
    }
    if let Some(path) = &overrides.store_file {
        return from_file(path).map(Some);
    }
    match (variable("ARGON_STORE")?, variable("ARGON_STORE_FILE")?) {
        (Some(_), Some(_)) => Err(twice("ARGON_STORE", "ARGON_STORE_FILE")),
        (Some(text), None) => Ok(Some(Said { text, by: SaidBy::Environment })),
        (None, Some(path)) => from_file(Path::new(&path)).map(Some),
        (None, None) => Ok(None),
    }
}

fn from_file(path: &Path) -> Result<Said> {
    let content = small_file::read(path).map_err(|error| config::failed("read", path, error))?;
    let text = content.lines().next().unwrap_or_default().trim().to_owned();
    if text.is_empty() {
        let path = path.display();
        return Err(Error::invalid(format!("the first line of {path} should be a store URL")));
    }
    Ok(Said { text, by: SaidBy::File(path.to_owned()) })
}

/// The password for the user that the URL names, and the file that it is from, if it is.
pub struct Password {
    /// The password.
    pub secret: Secret,
    /// The file that it is from, if it is.
    pub file: Option<PathBuf>,
}

/// The password that the environment gives.
///
/// # Errors
/// `Invalid` when it is given twice; those of reading the file.
pub fn password() -> Result<Option<Password>> {
    let (direct, file) = ("ARGON_STORE_PASSWORD", "ARGON_STORE_PASSWORD_FILE");
    match (variable(direct)?, variable(file)?) {
        (Some(_), Some(_)) => Err(twice(direct, file)),
        (Some(text), None) => Ok(Some(Password { secret: Secret::new(text), file: None })),
        (None, Some(path)) => {
            let path = PathBuf::from(path);
            let text =
                small_file::read(&path).map_err(|error| config::failed("read", &path, error))?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let secret = Secret::new(text.strip_suffix('\r').unwrap_or(text));
            Ok(Some(Password { secret, file: Some(path) }))
        }
        (None, None) => Ok(None),
    }
}

/// A password that others can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// In the arguments of this process.
    Argument,
    /// In this file. It is not refused: files that a container is given are often readable by all.
    File(PathBuf),
}

impl Exposure {
    /// Of the password in a URL.
    pub fn of_url(url: &StoreUrl, by: &SaidBy) -> Option<Self> {
        match by {
            _ if !url.has_secrets() => None,
            SaidBy::Argument => Some(Self::Argument),
            SaidBy::File(path) => Self::of_file(path),
            SaidBy::Environment | SaidBy::Settings | SaidBy::Name(..) => None,
        }
    }

    /// Of a file with a password.
    pub fn of_file(path: &Path) -> Option<Self> {
        others_can_read(path).then(|| Self::File(path.to_owned()))
    }
}

#[cfg(unix)]
fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

/// Other systems have other permissions.
#[cfg(not(unix))]
fn others_can_read(_: &Path) -> bool {
    false
}

/// A variable of the environment; an empty one says nothing.
pub fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Error::invalid(format!("{name} is not UTF-8"))),
    }
}

fn twice(one: &str, other: &str) -> Error {
    Error::invalid(format!("{one} and {other} are both set; unset one of them"))
}
