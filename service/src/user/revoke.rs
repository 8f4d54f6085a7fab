use argon_core::Store;
use argon_core::users::UserDatabase;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ShownUser, name_of, roles};
use crate::{Result, json};

/// Revoke roles of a user, also for connections that are logged in. Roles that the user does not have are
/// ignored.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct RevokeRoles {
    /// The name.
    pub user: String,
    /// Where the user is known; `admin` by default.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
    /// The roles, as `user list` shows them.
    pub roles: Vec<String>,
}

/// Revokes roles of a user, and gives those that are left.
///
/// # Errors
/// `NotFound`; `Invalid` for an unknown role.
pub async fn revoke(store: &Store, request: RevokeRoles) -> Result<ShownUser> {
    let name = name_of(&request.user, request.database.as_ref())?;
    let grants = roles::parse_all(&request.roles)?;
    let changed = store.change_user(&name, |user| {
        user.grants.retain(|grant| !grants.contains(grant));
        Ok(())
    });
    Ok(changed.await?.into())
}
