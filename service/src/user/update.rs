use argon_core::storage::Secret;
use argon_core::users::{Credentials, UserDatabase};
use argon_core::{Error, Store};
use schemars::JsonSchema;
use serde::Deserialize;

use super::scram::Mechanism;
use super::{ShownUser, name_of, roles, scram};
use crate::{Result, json};

/// Replace the roles of a user, the password, or both at once. The password comes apart from the request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UpdateUser {
    /// The name.
    pub user: String,
    /// Where the user is known; `admin` by default.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
    /// All roles from now on; without it, they stay.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
}

/// Changes a user. A new password is for the mechanisms that the user has.
///
/// # Errors
/// `NotFound`; `Invalid` for an unknown role, for a password that is not allowed, and for one of a user who has
/// a certificate.
pub async fn update(
    store: &Store,
    request: UpdateUser,
    password: Option<&Secret>,
) -> Result<ShownUser> {
    let name = name_of(&request.user, request.database.as_ref())?;
    if password.is_some() && *name.database() == UserDatabase::External {
        return Err(Error::invalid(format!(
            "user '{name}' is known by a certificate, so it has no password; leave the password out"
        ))
        .into());
    }
    let grants = request.roles.as_deref().map(roles::parse_all).transpose()?;
    let new = password.map(|password| {
        scram::credentials(store.environment(), name.name(), password, &Mechanism::ALL)
    });
    let new = new.transpose()?;
    let changed = store.change_user(&name, |user| {
        if let Some(grants) = &grants {
            user.grants.clone_from(grants);
        }
        if let Some(new) = &new {
            let has_sha_1 = user.credentials.scram_sha_1.is_some();
            user.credentials = Credentials {
                scram_sha_256: new.scram_sha_256.clone(),
                scram_sha_1: new.scram_sha_1.clone().filter(|_| has_sha_1),
            };
        }
        Ok(())
    });
    Ok(changed.await?.into())
}
