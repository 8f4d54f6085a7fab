//! `argon.yaml`: the states of a directory's lock files as parameters of a pipeline; and the files themselves.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use argon_core::storage::WholeFile;
use argon_core::{Error, Result};
use serde_json::Value;

use super::Lock;
use crate::config::failed;

/// The ending of the names of lock files.
const EXTENSION: &str = "argon";
const PARAMETERS: &str = "argon.yaml";
const COMMENT: &str = "# The lock files beside this file, for DVC; Argon writes it. Do not edit.";

/// The lock files of a directory, by name.
///
/// # Errors
/// Those of reading the directory.
pub fn lock_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let unread = |error| unread(directory, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let name = PathBuf::from(entry.file_name());
        let is_named = name.extension().is_some_and(|end| end == EXTENSION);
        // The directory of a store is called .argon.
        if is_named && directory.join(&name).is_file() {
            files.push(if directory == Path::new(".") { name } else { directory.join(name) });
        }
    }
    files.sort();
    Ok(files)
}

/// Writes the parameters of a directory, unless they are the same already.
///
/// # Errors
/// `Invalid` for a file that is not a lock file; those of reading and writing.
pub(super) fn write(directory: &Path) -> Result<()> {
    let mut text = format!("{COMMENT}\n");
    for file in lock_files(directory)? {
        let lock = Lock::read(&file)?;
        let name = file.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let _ = writeln!(text, "{name}:");
        for (key, value) in [
            ("rev", lock.revision()),
            ("project", lock.project.to_string()),
            ("collection", lock.collection.to_string()),
        ] {
            let _ = writeln!(text, "  {key}: {}", Value::from(value));
        }
    }
    replace(&directory.join(PARAMETERS), &text)
}

/// Writes a file in one step, unless it has this text already.
pub(super) fn replace(file: &Path, text: &str) -> Result<()> {
    if fs::read(file).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(());
    }
    let written = WholeFile::create(file).and_then(|mut whole| {
        whole.write_all(text.as_bytes())?;
        whole.publish()
    });
    written.map_err(|error| failed("write", file, error))
}

/// The directory of a file.
pub(super) fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn unread(path: &Path, error: io::Error) -> Error {
    failed("read", path, error)
}
