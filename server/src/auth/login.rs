//! The login of a connection.

use argon_core::users::{User, UserName};

use super::Exchange;

/// Who is logged in on a connection, and who is about to be.
#[derive(Debug, Default)]
pub(crate) struct Login {
    pub(crate) user: Option<Who>,
    pub(crate) pending: Option<Pending>,
    /// The number of exchanges so far.
    pub(crate) exchanges: i32,
}

/// A user who has logged in. Another one of the same name, created later, is someone else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) name: UserName,
    pub(crate) id: [u8; 16],
}

/// An exchange that is not complete.
#[derive(Debug)]
pub(crate) struct Pending {
    /// The number that the client repeats.
    pub(crate) conversation: i32,
    pub(crate) exchange: Exchange,
    /// Who the client says that it is; `None` for a user that does not exist.
    pub(crate) user: Option<Who>,
    /// What the client said, for the log.
    pub(crate) named: String,
}

impl Who {
    pub(crate) fn of(user: &User) -> Self {
        Self { name: user.name.clone(), id: user.id }
    }
}
