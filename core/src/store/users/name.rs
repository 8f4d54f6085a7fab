//! Names of users.

use std::fmt;
use std::str::FromStr;

use crate::model::ProjectName;
use crate::{Error, Result};

/// The most bytes of the name of a user.
const MOST_BYTES: usize = 255;

/// Where a user is known, which is what drivers call `authSource`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserDatabase {
    /// `admin`: for all projects.
    Admin,
    /// `$external`: by a certificate, whose subject is the name.
    External,
    /// A project.
    Project(ProjectName),
}

/// The name of a user: unique within its database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName {
    database: UserDatabase,
    name: String,
}

impl UserName {
    /// Checks the rules: 1 to 255 bytes without control characters.
    ///
    /// # Errors
    /// `Invalid` if the name breaks one.
    pub fn new(database: UserDatabase, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || name.len() > MOST_BYTES {
            let length = name.len();
            return Err(Error::invalid(format!(
                "invalid user name of {length} bytes: expected 1 to {MOST_BYTES}"
            )));
        }
        if name.chars().any(char::is_control) {
            let name = name.escape_debug();
            return Err(Error::invalid(format!(
                "invalid user name '{name}': expected no control characters"
            )));
        }
        Ok(Self { database, name })
    }

    /// Where the user is known.
    pub fn database(&self) -> &UserDatabase {
        &self.database
    }

    /// The name within the database.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UserDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::External => f.write_str("$external"),
            Self::Project(project) => project.fmt(f),
        }
    }
}

impl FromStr for UserDatabase {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "admin" => Ok(Self::Admin),
            "$external" => Ok(Self::External),
            "config" | "local" => Err(Error::invalid(format!(
                "invalid database '{text}' of a user: expected admin, $external or a project"
            ))),
            project => ProjectName::new(project).map(Self::Project),
        }
    }
}

/// As commits name the user: the name alone if it is of `admin`, and otherwise the database before it.
impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.database {
            // So that no name of admin is that of a user of a project.
            UserDatabase::Admin => f.pad(&self.name.replace('.', "\\.")),
            database => write!(f, "{database}.{}", self.name),
        }
    }
}
