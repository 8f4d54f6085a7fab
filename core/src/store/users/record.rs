//! The record of a user, and the name of its ref: `user/<database>/<name>`, percent-encoded.

use bson::spec::BinarySubtype;
use bson::{Binary, DateTime};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{Credentials, Grant, ScramKeys, User, UserDatabase, UserName};
use crate::storage::RefName;
use crate::{Error, Result};

/// The prefix of the refs of users.
pub(super) const USERS: &str = "user/";
/// The ref of the secret of [`Store::users_secret`](crate::Store::users_secret).
pub(super) const SECRET: &str = "secret/users";

/// What stands for itself in the names of refs.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct UserRecord {
    id: Binary,
    roles: Vec<GrantRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scram_sha_256: Option<ScramRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scram_sha_1: Option<ScramRecord>,
    created: DateTime,
    actor: String,
}

/// A role, and where it is granted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct GrantRecord {
    role: String,
    on: String,
}

/// See [`ScramKeys`].
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct ScramRecord {
    salt: Binary,
    iterations: i64,
    stored_key: Binary,
    server_key: Binary,
}

/// The secret of the store.
#[derive(Serialize, Deserialize)]
pub(super) struct SecretRecord {
    pub(super) key: Binary,
}

impl std::fmt::Debug for ScramRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScramRecord(…)")
    }
}

pub(super) fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

impl UserRecord {
    pub(super) fn of(user: &User) -> Self {
        let grants = user.grants.iter();
        Self {
            id: binary(&user.id),
            roles: grants
                .map(|grant| GrantRecord {
                    role: grant.role.to_string(),
                    on: grant.scope.to_string(),
                })
                .collect(),
            scram_sha_256: user.credentials.scram_sha_256.as_ref().map(ScramRecord::of),
            scram_sha_1: user.credentials.scram_sha_1.as_ref().map(ScramRecord::of),
            created: user.created,
            actor: user.actor.clone(),
        }
    }

    /// # Errors
    /// `Corrupt` for an identity of another length, and for roles that this version does not know: a
    /// change of the user would lose them.
    pub(super) fn user(self, name: UserName) -> Result<User> {
        let corrupt = |what: &str| {
            Error::corrupt(format!("the record of user '{name}' has {what}; update argon"))
        };
        let id = self.id.bytes.as_slice().try_into().map_err(|_| corrupt("a malformed id"))?;
        let grants =
            self.roles.iter().map(|GrantRecord { role, on }| match (role.parse(), on.parse()) {
                (Ok(role), Ok(scope)) => Ok(Grant { role, scope }),
                _ => Err(corrupt("an unknown role")),
            });
        let grants = grants.collect::<Result<_>>()?;
        let credentials = Credentials {
            scram_sha_256: self.scram_sha_256.map(ScramRecord::keys),
            scram_sha_1: self.scram_sha_1.map(ScramRecord::keys),
        };
        Ok(User { name, id, grants, credentials, created: self.created, actor: self.actor })
    }
}

impl ScramRecord {
    fn of(keys: &ScramKeys) -> Self {
        Self {
            salt: binary(&keys.salt),
            iterations: keys.iterations.into(),
            stored_key: binary(&keys.stored_key),
            server_key: binary(&keys.server_key),
        }
    }

    fn keys(self) -> ScramKeys {
        ScramKeys {
            salt: self.salt.bytes,
            iterations: u32::try_from(self.iterations).unwrap_or(u32::MAX),
            stored_key: self.stored_key.bytes,
            server_key: self.server_key.bytes,
        }
    }
}

/// The ref of a user.
pub(super) fn user_ref(name: &UserName) -> RefName {
    let database = name.database().to_string();
    let encoded = |text| utf8_percent_encode(text, PLAIN);
    format!("{USERS}{}/{}", encoded(database.as_str()), encoded(name.name()))
}

/// The user of a ref.
pub(super) fn user_of_ref(reference: &str) -> Result<UserName> {
    let malformed = || Error::corrupt(format!("malformed name of a ref: '{reference}'"));
    let names = reference.strip_prefix(USERS).and_then(|names| names.split_once('/'));
    let (database, name) = names.ok_or_else(malformed)?;
    let decoded = |text| percent_decode_str(text).decode_utf8().map_err(|_| malformed());
    let database: UserDatabase = decoded(database)?.parse().map_err(|_| malformed())?;
    UserName::new(database, decoded(name)?).map_err(|_| malformed())
}
