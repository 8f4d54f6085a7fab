use argon_core::users::{Grant, User};
use schemars::JsonSchema;
use serde::Serialize;

use super::scram::Mechanism;
use crate::json::Time;

/// A user, without what verifies the password.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownUser {
    /// The name.
    pub user: String,
    /// Where the user is known.
    pub database: String,
    /// The roles, such as `readWrite@shop`.
    pub roles: Vec<String>,
    /// How the user may log in; none for one with a certificate.
    pub mechanisms: Vec<String>,
    /// When the user was created.
    pub created: Time,
    /// Who created the user.
    pub actor: String,
}

impl From<User> for ShownUser {
    fn from(user: User) -> Self {
        let mechanisms = Mechanism::ALL.into_iter();
        Self {
            mechanisms: mechanisms
                .filter(|mechanism| mechanism.keys(&user.credentials).is_some())
                .map(|mechanism| mechanism.name().to_owned())
                .collect(),
            user: user.name.name().to_owned(),
            database: user.name.database().to_string(),
            roles: user.grants.iter().map(Grant::to_string).collect(),
            created: Time(user.created),
            actor: user.actor,
        }
    }
}
