//! The current project and branch, in `config.toml` inside the store's directory.
//!
//! A store that is in no directory of this machine has no such file; there `-p` and `-b`, or
//! `ARGON_PROJECT` and `ARGON_BRANCH`, say the same.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use argon_core::model::{BranchName, ProjectName};
use argon_core::{Error, Result};
use serde::{Deserialize, Serialize};

const FILE: &str = "config.toml";
const TEMPORARY_FILE: &str = "config.toml.new";

/// What is current.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// Set by `argon use`.
    pub(crate) project: Option<ProjectName>,
    /// Set by `argon switch`; a branch of `project`.
    pub(crate) branch: Option<BranchName>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
}

impl Config {
    /// Reads the file; one that is not there says nothing.
    pub(crate) fn load(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed("read", &path, error)),
        };
        parse(&text).map_err(|source| {
            Error::invalid(format!(
                "{} can't be read; correct it, or remove it and run `argon use PROJECT`",
                path.display()
            ))
            .with_source(source)
        })
    }

    /// Writes the file: whole, or not at all.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        self.write(directory, &path).map_err(|error| failed("write", &path, error))
    }

    fn write(&self, directory: &Path, path: &Path) -> io::Result<()> {
        let stored = Stored {
            project: self.project.as_ref().map(ToString::to_string),
            branch: self.branch.as_ref().map(ToString::to_string),
        };
        let text = toml::to_string(&stored).map_err(io::Error::other)?;
        let temporary: PathBuf = directory.join(TEMPORARY_FILE);
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    }
}

fn parse(text: &str) -> Result<Config, Box<dyn std::error::Error + Send + Sync>> {
    let stored: Stored = toml::from_str(text)?;
    Ok(Config {
        project: stored.project.map(ProjectName::new).transpose()?,
        branch: stored.branch.map(BranchName::new).transpose()?,
    })
}

fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    let context = format!("can't {doing} {}", path.display());
    if error.kind() == io::ErrorKind::PermissionDenied {
        return Error::denied(context).with_source(error);
    }
    Error::unavailable(context).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded_again() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Config::load(directory.path()).unwrap(), Config::default());
        let config = Config {
            project: Some(ProjectName::new("shop").unwrap()),
            branch: Some(BranchName::new("feature/x").unwrap()),
        };
        config.save(directory.path()).unwrap();
        assert_eq!(Config::load(directory.path()).unwrap(), config);
    }

    #[test]
    fn a_file_that_can_t_be_read_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "project = \"a b\"").unwrap();
        let error = Config::load(directory.path()).unwrap_err();
        assert_eq!(error.kind(), argon_core::ErrorKind::Invalid);
        assert!(error.to_string().contains(FILE));
    }
}
