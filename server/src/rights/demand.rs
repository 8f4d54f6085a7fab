//! A right on something, as a command demands it.

use std::fmt;

use argon_core::users::Scope;

use super::Right;

/// A right on something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Demand {
    pub(crate) right: Right,
    pub(crate) target: Target,
}

/// What a right is demanded on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// What a grant has to cover.
    Scope(Scope),
    /// A database, as a client names it.
    Database(String),
    /// A revision of the project of a database, as a stage of a pipeline names it.
    Revision {
        /// The database of the command.
        database: String,
        /// The revision.
        revision: String,
    },
}

impl Demand {
    pub(crate) fn on(right: Right, database: &str) -> Self {
        Self { right, target: Target::Database(database.to_owned()) }
    }

    pub(crate) fn on_scope(right: Right, scope: Scope) -> Self {
        Self { right, target: Target::Scope(scope) }
    }

    pub(crate) fn on_everything(right: Right) -> Self {
        Self::on_scope(right, Scope::All)
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the right '{}' on {}", self.right.name(), self.target)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(Scope::All) => f.write_str("everything"),
            Self::Scope(scope) => scope.fmt(f),
            Self::Database(database) => f.write_str(database),
            Self::Revision { revision, .. } => write!(f, "revision {revision}"),
        }
    }
}
