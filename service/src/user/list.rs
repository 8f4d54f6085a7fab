use argon_core::Store;
use argon_core::users::UserDatabase;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ShownUser;
use crate::{Result, json};

/// List the users of the server.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListUsers {
    /// Only those that are known there: `admin`, a project, or `$external`.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
}

/// Lists the users by database and name.
pub async fn list(store: &Store, request: ListUsers) -> Result<Vec<ShownUser>> {
    let mut users = store.users().await?;
    if let Some(database) = request.database {
        users.retain(|user| *user.name.database() == database);
    }
    Ok(users.into_iter().map(ShownUser::from).collect())
}
