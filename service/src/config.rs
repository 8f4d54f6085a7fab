//! The current project and branch, in a small file.
//!
//! It is `config.toml` in the store's directory, or in the directory that points to the store. For a
//! store that is named by its URL alone it is among the user's settings, under the store's identity.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use argon_core::model::{BranchName, ProjectName};
use argon_core::storage::WholeFile;
use argon_core::{Error, Result};
use etcetera::base_strategy::{BaseStrategy, Xdg};
use serde::{Deserialize, Serialize};

use crate::{Failure, Hint, small_file};

const FILE: &str = "config.toml";

/// What is current.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The project.
    pub project: Option<ProjectName>,
    /// A branch of `project`.
    pub branch: Option<BranchName>,
    /// The branch of `project` that was current before.
    pub previous: Option<BranchName>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

/// The file in a store's directory, or in one that points to a store.
pub fn in_directory(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// The file among the user's settings for the store of this identity; `None` for a user without a
/// home.
pub fn of_user(store: &str) -> Option<PathBuf> {
    Some(user_settings()?.join("stores").join(format!("{store}.toml")))
}

/// The directory of the user's settings, `argon` in `XDG_CONFIG_HOME` or `~/.config`; `None` for a user
/// without a home, as for the other directories.
pub fn user_settings() -> Option<PathBuf> {
    user_directory(|base| Some(base.config_dir()))
}

/// The directory of the user's caches, `argon` in `XDG_CACHE_HOME` or `~/.cache`.
pub fn user_cache() -> Option<PathBuf> {
    user_directory(|base| Some(base.cache_dir()))
}

/// The directory of what Argon keeps for the user between commands, `argon` in `XDG_STATE_HOME` or
/// `~/.local/state`.
pub fn user_state() -> Option<PathBuf> {
    user_directory(BaseStrategy::state_dir)
}

/// The same directories on every system, so that documents and scripts can name them.
fn user_directory(choose: impl FnOnce(&Xdg) -> Option<PathBuf>) -> Option<PathBuf> {
    let base = choose(&Xdg::new().ok()?)?;
    // A home that is not an absolute path would be another for each working directory.
    base.is_absolute().then(|| base.join("argon"))
}

impl Config {
    /// Reads the file; one that is not there says nothing.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let text = match small_file::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed("read", path, error).into()),
        };
        parse(&text).map_err(|source| {
            let error = Error::invalid(format!(
                "{} can't be read; correct it, or remove it",
                path.display()
            ));
            Failure::from(error.with_source(source)).hint(Hint::ChooseProjectAgain)
        })
    }

    /// Writes the file: whole, or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        let stored = Stored {
            project: self.project.as_ref().map(ToString::to_string),
            branch: self.branch.as_ref().map(ToString::to_string),
            previous: self.previous.as_ref().map(ToString::to_string),
        };
        let text = toml::to_string(&stored).map_err(|error| Error::internal(error.to_string()))?;
        write_whole(path, &text)
    }
}

/// Writes a small file for its owner alone, and the directories above it that are missing: whole, or
/// not at all.
pub fn write_whole(path: &Path, text: &str) -> Result<()> {
    let write = || {
        if let Some(directory) = path.parent() {
            make_private_directory(directory)?;
        }
        let mut file = WholeFile::create_private(path)?;
        file.write_all(text.as_bytes())?;
        file.publish()
    };
    write().map_err(|error| failed("write", path, error))
}

/// Makes a directory and those above it that are missing, for their owner alone.
pub fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn parse(text: &str) -> Result<Config, Box<dyn std::error::Error + Send + Sync>> {
    let stored: Stored = toml::from_str(text)?;
    Ok(Config {
        project: stored.project.map(ProjectName::new).transpose()?,
        branch: stored.branch.map(BranchName::new).transpose()?,
        previous: stored.previous.map(BranchName::new).transpose()?,
    })
}

/// The error for `doing` something with a file, such as "read", by what the system says.
pub fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    let context = format!("can't {doing} {}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound => Error::not_found(context),
        io::ErrorKind::PermissionDenied => Error::denied(context),
        io::ErrorKind::InvalidData | io::ErrorKind::IsADirectory => Error::invalid(context),
        _ => Error::unavailable(context),
    }
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = in_directory(&directory.path().join("made/on/the/way"));
        assert_eq!(Config::load(&path).unwrap(), Config::default());
        let config = Config {
            project: Some(ProjectName::new("shop").unwrap()),
            branch: Some(BranchName::new("feature/x").unwrap()),
            previous: Some(BranchName::new("main").unwrap()),
        };
        config.save(&path).unwrap();
        assert_eq!(Config::load(&path).unwrap(), config);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_what_is_written() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made/argon.toml");
        fs::create_dir(directory.path().join("made")).unwrap();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        write_whole(&path, "retention = '30d'").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        write_whole(&directory.path().join("new/argon.toml"), "").unwrap();
        assert_eq!(mode(&directory.path().join("new")), 0o700);
    }

    #[test]
    fn a_file_that_can_t_be_read_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = in_directory(directory.path());
        fs::write(&path, "project = \"a b\"").unwrap();
        let Failure::Error { error, hint } = Config::load(&path).unwrap_err() else { panic!() };
        assert_eq!(error.kind(), argon_core::ErrorKind::Invalid);
        assert!(error.to_string().contains(FILE));
        assert_eq!(hint, Some(Hint::ChooseProjectAgain));
    }
}
