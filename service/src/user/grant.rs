use argon_core::Store;
use argon_core::users::UserDatabase;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ShownUser, name_of, roles};
use crate::{Result, json};

/// Grant roles to a user. They count for connections that are logged in, too.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct GrantRoles {
    /// The name.
    pub user: String,
    /// Where the user is known; `admin` by default.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
    /// The roles, as of `user create`.
    pub roles: Vec<String>,
}

/// Grants roles to a user; those that the user has stay.
///
/// # Errors
/// `NotFound`; `Invalid` for an unknown role.
pub async fn grant(store: &Store, request: GrantRoles) -> Result<ShownUser> {
    let name = name_of(&request.user, request.database.as_ref())?;
    let grants = roles::parse_all(&request.roles)?;
    let changed = store.change_user(&name, |user| {
        user.grants.extend(grants.iter().cloned());
        Ok(())
    });
    Ok(changed.await?.into())
}
