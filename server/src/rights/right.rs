//! The rights, and which ones a role gives.

use argon_core::users::Role;

/// A right on a branch, a project, or everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// Read documents.
    Read,
    /// See which databases, collections and indexes there are, and how large they are.
    List,
    /// Write documents.
    Write,
    /// Create, rename and drop collections and indexes.
    Define,
    /// Change the options of collections, and drop all of a database.
    Administer,
    /// Manage users and their roles.
    Users,
    /// See how the server is doing.
    Monitor,
}

impl Right {
    /// All rights.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] = [
        Self::Read,
        Self::List,
        Self::Write,
        Self::Define,
        Self::Administer,
        Self::Users,
        Self::Monitor,
    ];

    /// The name, in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Write => "write",
            Self::Define => "define",
            Self::Administer => "administer",
            Self::Users => "manage users",
            Self::Monitor => "monitor",
        }
    }

    /// Whether a role gives it. These are the actions of MongoDB's roles of the same names.
    pub(crate) fn is_given_by(self, role: Role) -> bool {
        match role {
            Role::Read => matches!(self, Self::Read | Self::List),
            Role::ReadWrite => {
                matches!(self, Self::Read | Self::List | Self::Write | Self::Define)
            }
            Role::DbAdmin => matches!(self, Self::List | Self::Define | Self::Administer),
            Role::UserAdmin => self == Self::Users,
            Role::ClusterMonitor => matches!(self, Self::List | Self::Monitor),
            Role::Root => true,
        }
    }
}
