//! Tokens by which programs act as users of a server over the store.

use std::time::Duration;

use argon_core::users::{Grant, Token, TokenId, UserDatabase, UserName};
use argon_core::{Error, Store};
use bson::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::{self, Time};
use crate::user::roles;
use crate::{Result, duration};

/// The most bytes of the name of a token.
const MOST_NAME_BYTES: usize = 255;

/// Create a token, by which a program may do what a user may. Its text is shown once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateToken {
    /// What it is for.
    pub name: String,
    /// The user.
    pub user: String,
    /// Where the user is known: `admin` (the default), a project, or `$external`.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
    /// The roles that it has at most, such as `read@shop`; without any, all that the user has.
    #[serde(default)]
    pub roles: Vec<String>,
    /// For how long it is valid, such as `30d`; without it, for ever.
    #[serde(default)]
    pub expires_in: Option<String>,
}

/// List the tokens of all users, also those that have expired.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ListTokens {
    /// Only those of this user.
    #[serde(default)]
    pub user: Option<String>,
    /// Where that user is known: `admin` (the default), a project, or `$external`.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub database: Option<UserDatabase>,
}

/// Remove a token: what uses it is refused from then on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DropToken {
    /// Its id.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub token: TokenId,
}

/// A token that was created.
#[derive(Clone, Serialize, JsonSchema)]
pub struct CreatedToken {
    /// What it is.
    #[serde(flatten)]
    pub shown: ShownToken,
    /// Its text, which is shown here and never again.
    pub text: String,
}

/// A token, without its text.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownToken {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The user.
    pub user: String,
    /// Where the user is known.
    pub database: String,
    /// The roles that it has at most; null for all that the user has.
    pub roles: Option<Vec<String>>,
    /// When it was created.
    pub created: Time,
    /// Until when it is valid; null for ever.
    pub expires: Option<Time>,
    /// Who created it.
    pub actor: String,
}

impl From<Token> for ShownToken {
    fn from(token: Token) -> Self {
        let roles = token.grants.map(|grants| grants.iter().map(Grant::to_string).collect());
        Self {
            id: token.id.to_string(),
            name: token.name,
            user: token.user.name().to_owned(),
            database: token.user.database().to_string(),
            roles,
            created: Time(token.created),
            expires: token.expires.map(Time),
            actor: token.actor,
        }
    }
}

/// Creates a token.
///
/// # Errors
/// `NotFound` if there is no such user; `Invalid` for an unknown role, a name or a time that is not allowed.
pub async fn create(store: &Store, request: CreateToken) -> Result<CreatedToken> {
    let CreateToken { name, user, database, roles, expires_in } = request;
    if name.is_empty() || name.len() > MOST_NAME_BYTES || name.chars().any(char::is_control) {
        let problem = format!(
            "the name of a token has 1 to {MOST_NAME_BYTES} bytes, and no control characters"
        );
        return Err(Error::invalid(problem).into());
    }
    let user = UserName::new(database.unwrap_or(UserDatabase::Admin), user)?;
    let grants = if roles.is_empty() { None } else { Some(roles::parse_all(&roles)?) };
    let lasts =
        expires_in.as_deref().map(duration::parse_duration).transpose().map_err(Error::invalid)?;
    let now = store.environment().now().timestamp_millis();
    let until =
        |lasts: Duration| now.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX));
    let expires = lasts.map(|lasts| DateTime::from_millis(until(lasts)));
    let (token, text) = store.create_token(&user, name, grants, expires).await?;
    Ok(CreatedToken { shown: token.into(), text: text.reveal().to_owned() })
}

/// Lists the tokens, the oldest first.
pub async fn list(store: &Store, request: ListTokens) -> Result<Vec<ShownToken>> {
    let tokens = store.tokens().await?.into_iter();
    let database = request.database.unwrap_or(UserDatabase::Admin);
    let user = request.user.map(|user| UserName::new(database, user)).transpose()?;
    let of_user = |token: &Token| user.as_ref().is_none_or(|user| *user == token.user);
    Ok(tokens.filter(of_user).map(ShownToken::from).collect())
}

/// Removes a token.
///
/// # Errors
/// `NotFound`.
pub async fn drop(store: &Store, request: DropToken) -> Result<ShownToken> {
    Ok(store.drop_token(request.token).await?.into())
}
