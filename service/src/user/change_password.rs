use argon_core::Store;
use argon_core::storage::Secret;
use argon_core::users::UserDatabase;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ShownUser, UpdateUser, update};
use crate::{Result, json};

/// Change the password of a user, which comes apart from the request. Connections that are logged in stay so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ChangePassword {
    /// The name.
    pub user: String,
    /// Where the user is known; `admin` by default.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
}

/// Changes the password of a user, for the mechanisms that the user has.
///
/// # Errors
/// `NotFound`; `Invalid` for a password that is not allowed, and for a user without passwords.
pub async fn change_password(
    store: &Store,
    request: ChangePassword,
    password: &Secret,
) -> Result<ShownUser> {
    let ChangePassword { user, database } = request;
    update(store, UpdateUser { user, database, roles: None }, Some(password)).await
}
