//! What a lock file says, and its text.

use std::fmt::Write as _;
use std::path::Path;

use argon_core::model::{BranchName, CollectionName, ProjectName};
use argon_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parameters;
use crate::small_file;

/// The version of the format.
const VERSION: u64 = 1;
const COMMENT: &str = "# The state of a collection, for DVC; Argon writes it. Do not edit.";

/// What a lock file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lock {
    /// The project.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The position of the state.
    pub lsn: u64,
    /// The digest of the name, options, indexes and documents of the collection.
    pub digest: String,
}

impl Lock {
    /// The state as a revision.
    pub fn revision(&self) -> String {
        format!("{}@{}", self.branch, self.lsn)
    }

    /// Reads a lock file.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what is no lock file of this version.
    pub fn read(file: &Path) -> Result<Self> {
        let text = small_file::read(file).map_err(|error| parameters::unread(file, error))?;
        Self::parse(&text).map_err(|problem| {
            Error::invalid(format!("{} is not a lock file: {problem}", file.display()))
        })
    }

    /// Each line has a name and a scalar of JSON, which is one of YAML too.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let mut values = serde_json::Map::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value: Value =
                serde_json::from_str(value.trim()).map_err(|_| format!("invalid line '{line}'"))?;
            values.insert(name.trim().to_owned(), value);
        }
        if values.remove("version") != Some(VERSION.into()) {
            return Err(format!("expected version {VERSION}"));
        }
        serde_json::from_value(Value::Object(values)).map_err(|error| error.to_string())
    }

    /// Writes the lock file, and the parameters of its directory. A file that says the same stays as it is.
    ///
    /// # Errors
    /// Those of writing; `Invalid` for another file in the directory that is not a lock file.
    pub(super) fn write(&self, file: &Path) -> Result<()> {
        parameters::replace(file, &self.text())?;
        parameters::write(parameters::directory_of(file))
    }

    fn text(&self) -> String {
        let Self { project, branch, collection, lsn, digest } = self;
        let mut text = format!("{COMMENT}\nversion: {VERSION}\n");
        let fields = [
            ("project", Value::from(project.as_str())),
            ("branch", branch.as_str().into()),
            ("collection", collection.as_str().into()),
            ("lsn", (*lsn).into()),
            ("digest", digest.as_str().into()),
        ];
        for (name, value) in fields {
            let _ = writeln!(text, "{name}: {value}");
        }
        text
    }
}
