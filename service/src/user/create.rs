use argon_core::storage::Secret;
use argon_core::users::{Credentials, UserDatabase};
use argon_core::{Error, Store};
use schemars::JsonSchema;
use serde::Deserialize;

use super::scram::Mechanism;
use super::{ShownUser, name_of, roles, scram};
use crate::{Result, json};

/// Create a user of the server. The password comes apart from the request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateUser {
    /// The name.
    pub user: String,
    /// Where the user is known: `admin` (the default), a project, or `$external` for one with a certificate,
    /// whose name is the subject.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
    /// The roles: `readWrite@shop` on a project, `readWrite@shop:try` on a branch, `readWrite@*` on all.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How the user may log in: `SCRAM-SHA-256`, and by default also `SCRAM-SHA-1`, for old clients.
    #[serde(default, deserialize_with = "json::texts")]
    #[schemars(with = "Vec<String>")]
    pub mechanisms: Vec<Mechanism>,
}

/// Creates a user.
///
/// # Errors
/// `AlreadyExists` if the name is taken; `Invalid` for an unknown role, for a password that is missing or not
/// allowed, and for one of a user of `$external`.
pub async fn create(
    store: &Store,
    request: CreateUser,
    password: Option<&Secret>,
) -> Result<ShownUser> {
    let name = name_of(&request.user, request.database.as_ref())?;
    let grants = roles::parse_all(&request.roles)?;
    let credentials = match (name.database(), password) {
        (UserDatabase::External, None) => Credentials::default(),
        (UserDatabase::External, Some(_)) => {
            return Err(Error::invalid(format!(
                "user '{name}' is known by a certificate, so it has no password; leave the password out"
            ))
            .into());
        }
        (_, None) => {
            let name = name.name();
            return Err(Error::invalid(format!("missing password of user '{name}'")).into());
        }
        (_, Some(password)) => {
            scram::credentials(store.environment(), name.name(), password, &request.mechanisms)?
        }
    };
    Ok(store.create_user(name, grants, credentials).await?.into())
}
