//! The records of users and tokens, and the names of their refs: `user/<database>/<name>`, percent-encoded, and
//! `token/<id>`.

use bson::spec::BinarySubtype;
use bson::{Binary, DateTime};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{Credentials, Grant, ScramKeys, Token, TokenId, User, UserDatabase, UserName};
use crate::storage::RefName;
use crate::{Error, Result};

/// The prefix of the refs of users.
pub(super) const USERS: &str = "user/";
/// The prefix of the refs of tokens.
pub(super) const TOKENS: &str = "token/";
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

/// A token.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TokenRecord {
    name: String,
    database: String,
    user: String,
    user_id: Binary,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<GrantRecord>>,
    hash: Binary,
    created: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<DateTime>,
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

impl GrantRecord {
    fn all_of(grants: &[Grant]) -> Vec<Self> {
        let record =
            |grant: &Grant| Self { role: grant.role.to_string(), on: grant.scope.to_string() };
        grants.iter().map(record).collect()
    }

    /// The grants of records; `None` if there is a role that this version does not know.
    fn grants(records: &[Self]) -> Option<Vec<Grant>> {
        let grant = |Self { role, on }: &Self| {
            Some(Grant { role: role.parse().ok()?, scope: on.parse().ok()? })
        };
        records.iter().map(grant).collect()
    }
}

impl TokenRecord {
    pub(super) fn of(token: &Token) -> Self {
        Self {
            name: token.name.clone(),
            database: token.user.database().to_string(),
            user: token.user.name().to_owned(),
            user_id: binary(&token.user_id),
            roles: token.grants.as_deref().map(GrantRecord::all_of),
            hash: binary(&token.hash),
            created: token.created,
            expires: token.expires,
            actor: token.actor.clone(),
        }
    }

    /// # Errors
    /// `Corrupt` for a malformed record, and for roles that this version does not know.
    pub(super) fn token(self, id: TokenId) -> Result<Token> {
        let corrupt =
            || Error::corrupt(format!("the record of token '{id}' is malformed; update argon"));
        let database: UserDatabase = self.database.parse().map_err(|_| corrupt())?;
        let grants =
            self.roles.as_deref().map(|roles| GrantRecord::grants(roles).ok_or_else(corrupt));
        Ok(Token {
            id,
            name: self.name,
            user: UserName::new(database, self.user).map_err(|_| corrupt())?,
            user_id: self.user_id.bytes.as_slice().try_into().map_err(|_| corrupt())?,
            grants: grants.transpose()?,
            created: self.created,
            expires: self.expires,
            actor: self.actor,
            hash: self.hash.bytes.as_slice().try_into().map_err(|_| corrupt())?,
        })
    }
}

impl UserRecord {
    pub(super) fn of(user: &User) -> Self {
        Self {
            id: binary(&user.id),
            roles: GrantRecord::all_of(&user.grants),
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
        let grants = GrantRecord::grants(&self.roles).ok_or_else(|| corrupt("an unknown role"))?;
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

/// The ref of a token.
pub(super) fn token_ref(id: TokenId) -> RefName {
    format!("{TOKENS}{id}")
}

/// The token of a ref.
pub(super) fn token_of_ref(reference: &str) -> Result<TokenId> {
    let id = reference.strip_prefix(TOKENS).and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::corrupt(format!("malformed name of a ref: '{reference}'")))
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
