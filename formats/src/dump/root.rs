//! The directory that the user named: finds its databases, and selects one.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::FormatError;
use super::names::{self, File};
use super::{SkipReason, Skipped};

/// The server's own databases, which a dump of a whole server includes.
const SERVER_DATABASES: [&str; 3] = ["admin", "config", "local"];

/// The content of the directory that the user named.
pub(super) struct Root {
    databases: Vec<Database>,
    others: Vec<Skipped>,
}

#[derive(Clone, PartialEq)]
pub(super) struct Database {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl Root {
    pub(super) fn read(directory: &Path) -> Result<Self, FormatError> {
        let mut root = Self { databases: Vec::new(), others: Vec::new() };
        for path in entries(directory)? {
            let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            match name {
                Some(name) if path.is_dir() && is_database(&path)? => {
                    root.databases.push(Database { name, path });
                }
                _ if path.is_dir() => {
                    root.others.push(Skipped { path, reason: SkipReason::Unknown });
                }
                _ => match names::classify(&path) {
                    File::Other(reason) if !File::Other(reason).is_of_database() => {
                        root.others.push(Skipped { path, reason });
                    }
                    _ => return Self::of_database(directory),
                },
            }
        }
        Ok(root)
    }

    /// The databases of an archive.
    pub(super) fn of_archive(databases: Vec<Database>) -> Self {
        Self { databases, others: Vec::new() }
    }

    /// The directory is a database's own; the caller reads its content.
    fn of_database(directory: &Path) -> Result<Self, FormatError> {
        // The path may lack the directory's name: `.` or `dump/..`
        let full = fs::canonicalize(directory).map_err(FormatError::io("find", directory))?;
        let name = full.file_name().map(|name| name.to_string_lossy().into_owned());
        let database = Database { name: name.unwrap_or_default(), path: directory.to_owned() };
        Ok(Self { databases: vec![database], others: Vec::new() })
    }

    /// Selects the database `wanted`, or the only one that isn't the server's own.
    pub(super) fn choose(
        &self,
        directory: &Path,
        wanted: Option<&str>,
    ) -> Result<Database, FormatError> {
        let path = directory.to_owned();
        let found = || self.databases.iter().map(|database| database.name.clone()).collect();
        if self.databases.is_empty() {
            return Err(FormatError::NotADump { path });
        }
        if let Some(wanted) = wanted {
            let chosen = self.databases.iter().find(|database| database.name == wanted).cloned();
            let wanted = wanted.to_owned();
            return chosen.ok_or_else(|| FormatError::NoSuchDatabase {
                path,
                wanted,
                found: found(),
            });
        }
        let users = |database: &&Database| !SERVER_DATABASES.contains(&database.name.as_str());
        let users: Vec<_> = self.databases.iter().filter(users).collect();
        match (users.as_slice(), self.databases.as_slice()) {
            ([only], _) => Ok((*only).clone()),
            ([], [only]) => Ok(only.clone()),
            _ => Err(FormatError::SeveralDatabases { path, found: found() }),
        }
    }

    /// Returns files beside the databases, and the server's databases if another was selected.
    pub(super) fn skipped_beside(&self, chosen: &Database) -> Vec<Skipped> {
        let servers = self.databases.iter().filter(|database| {
            *database != chosen && SERVER_DATABASES.contains(&database.name.as_str())
        });
        let servers = servers.map(|database| Skipped {
            path: database.path.clone(),
            reason: SkipReason::ServerDatabase,
        });
        self.others.iter().cloned().chain(servers).collect()
    }
}

fn is_database(directory: &Path) -> Result<bool, FormatError> {
    let files = entries(directory)?;
    Ok(files.iter().any(|path| names::classify(path).is_of_database()))
}

/// Returns the entries of a directory, sorted, so that messages and results don't depend on the
/// disk.
pub(super) fn entries(directory: &Path) -> Result<Vec<PathBuf>, FormatError> {
    let listed = fs::read_dir(directory).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    let mut paths = listed.map_err(FormatError::io("list", directory))?;
    paths.sort();
    Ok(paths)
}
