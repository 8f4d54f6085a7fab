//! Sessions are of one user: who knows the number of another user's session gets a session of their own.

use sha2::{Digest, Sha256};

use super::Who;
use crate::sessions::SessionId;

/// The identity of a session of a user, from the one that the client names.
pub(crate) fn of_user(id: SessionId, user: Option<&Who>) -> SessionId {
    let Some(user) = user else { return id };
    let digest = Sha256::new().chain_update(user.id).chain_update(id).finalize();
    let mut own = [0; 16];
    own.copy_from_slice(&digest[..16]);
    own
}

#[cfg(test)]
mod tests {
    use argon_core::users::{UserDatabase, UserName};

    use super::*;

    #[test]
    fn two_users_never_share_a_session() {
        let who = |id| Who {
            name: UserName::new(UserDatabase::Admin, "ada").unwrap(),
            id: [id; 16],
            token: None,
        };
        let session = [7; 16];
        assert_eq!(of_user(session, None), session);
        assert_eq!(of_user(session, Some(&who(1))), of_user(session, Some(&who(1))));
        assert_ne!(of_user(session, Some(&who(1))), of_user(session, Some(&who(2))));
        assert_ne!(of_user(session, Some(&who(1))), session);
    }
}
