//! The login of a connection.

use std::sync::Arc;

use argon_core::users::{Grant, Token, TokenId, User, UserName};

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
    /// The token by which a program acts as the user.
    pub(crate) token: Option<ByToken>,
}

/// A token that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByToken {
    pub(crate) id: TokenId,
    /// What it allows at most; `None` for all that the user may do.
    pub(crate) grants: Option<Arc<[Grant]>>,
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
        Self { name: user.name.clone(), id: user.id, token: None }
    }

    /// The user of a token.
    pub(crate) fn of_token(token: &Token) -> Self {
        let grants = token.grants.as_deref().map(Into::into);
        let by = ByToken { id: token.id, grants };
        Self { name: token.user.clone(), id: token.user_id, token: Some(by) }
    }
}
