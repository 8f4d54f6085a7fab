use argon_core::Store;
use argon_core::users::UserDatabase;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ShownUser, name_of};
use crate::{Result, json};

/// Drop a user. Connections that are logged in lose their rights.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DropUser {
    /// The name.
    pub user: String,
    /// Where the user is known; `admin` by default.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
}

/// Drops a user, and gives what it was.
///
/// # Errors
/// `NotFound`.
pub async fn drop(store: &Store, request: DropUser) -> Result<ShownUser> {
    let name = name_of(&request.user, request.database.as_ref())?;
    Ok(store.drop_user(&name).await?.into())
}
