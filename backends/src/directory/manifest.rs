//! `store.toml`: what a store is. Written once, whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use argon_core::{Error, Result};
use bson::DateTime;
use serde::{Deserialize, Serialize};

use super::error::io_error;
use crate::engines::files;
use crate::ordered::FORMAT;

/// The oldest format that this version of Argon reads.
const OLDEST_FORMAT: u32 = 1;

/// The most bytes that are read: a manifest has some hundred, and what has more is none.
const MAX_BYTES: u64 = 64 * 1024;

pub(super) const FILE: &str = "store.toml";
pub(super) const TEMPORARY_FILE: &str = "store.toml.new";

/// What a store's `store.toml` says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// The version of its layout.
    pub format: u32,
    /// The identity that it was given when it was created.
    pub id: [u8; 16],
    /// The name of its engine, which is the scheme of its URL.
    pub engine: String,
    /// When it was created.
    pub created: DateTime,
}

/// Only this is sure to be in a `store.toml` of any version.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    id: String,
    engine: String,
    created: String,
}

impl StoreInfo {
    /// What is said of a new store.
    pub(super) fn new(id: [u8; 16], engine: &str, created: DateTime) -> Self {
        Self { format: FORMAT, id, engine: engine.to_owned(), created }
    }

    /// The same of the store after something was written to it by this version.
    pub(super) fn raised(&self) -> Option<Self> {
        (self.format < FORMAT).then(|| Self { format: FORMAT, ..self.clone() })
    }
}

/// Writes the manifest under another name, durably: from here on, what else is in the directory is of a
/// store that is being made.
pub(super) fn prepare(directory: &Path, info: &StoreInfo) -> io::Result<()> {
    let manifest = Manifest {
        format: info.format,
        id: format!("{:032x}", u128::from_be_bytes(info.id)),
        engine: info.engine.clone(),
        created: info.created.try_to_rfc3339_string().map_err(io::Error::other)?,
    };
    let text = toml::to_string(&manifest).map_err(io::Error::other)?;
    let temporary = directory.join(TEMPORARY_FILE);
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    files::sync_directory(directory)
}

/// Gives the manifest its name, durably.
pub(super) fn publish(directory: &Path) -> io::Result<()> {
    fs::rename(directory.join(TEMPORARY_FILE), directory.join(FILE))?;
    files::sync_directory(directory)
}

/// What is in the directory's manifest, or `None` when there is none.
pub(super) fn read(directory: &Path) -> Result<Option<StoreInfo>> {
    let path = directory.join(FILE);
    let content = File::open(&path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).map(|_| bytes)
    });
    let text = match content {
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| damaged(&path, error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", &path, error)),
    };
    let Versioned { format } = toml::from_str(&text).map_err(|error| damaged(&path, error))?;
    if !(OLDEST_FORMAT..=FORMAT).contains(&format) {
        return Err(other_format(directory, format));
    }
    parse(&text).map(Some).map_err(|error| damaged(&path, error))
}

fn parse(text: &str) -> Result<StoreInfo, Box<dyn std::error::Error + Send + Sync>> {
    let manifest: Manifest = toml::from_str(text)?;
    Ok(StoreInfo {
        format: manifest.format,
        id: parse_id(&manifest.id).ok_or("id is not 32 hexadecimal digits")?,
        engine: manifest.engine,
        created: DateTime::parse_rfc3339_str(manifest.created)?,
    })
}

fn parse_id(hex: &str) -> Option<[u8; 16]> {
    let is_id = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| u128::from_str_radix(hex, 16).ok().map(u128::to_be_bytes))?
}

fn other_format(directory: &Path, format: u32) -> Error {
    let advice = if format > FORMAT {
        "use the version of Argon that made it, or a newer one"
    } else {
        "clone it with the version of Argon that made it"
    };
    Error::unsupported(format!(
        "{} has store format {format}, and this version of Argon reads formats {OLDEST_FORMAT} to \
         {FORMAT}; {advice}",
        directory.display()
    ))
}

fn damaged(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    let reason = error.to_string();
    // toml's messages have several lines, of which the last is the reason.
    let reason = reason.trim().lines().last().unwrap_or_default();
    Error::corrupt(format!("{} is damaged ({reason}); restore it from a backup", path.display()))
        .with_source(error)
}
