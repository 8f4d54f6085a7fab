//! Creating, checking, listing and removing tokens.

use bson::DateTime;

use super::record::{self, TOKENS, TokenRecord};
use super::token::TokenText;
use super::{Grant, Token, TokenId, UserName};
use crate::model::backoff::Backoff;
use crate::storage::{CasResult, Secret};
use crate::store::Store;
use crate::store::records::{decode, encode};
use crate::{Error, Result};

impl Store {
    /// Creates a token by which a program may do what a user may, or only what `grants` allow of it. Its text is given
    /// here, and never again.
    ///
    /// # Errors
    /// `NotFound` if there is no such user; `Invalid` for a time that is over.
    pub async fn create_token(
        &self,
        user: &UserName,
        name: String,
        grants: Option<Vec<Grant>>,
        expires: Option<DateTime>,
    ) -> Result<(Token, Secret)> {
        let now = self.environment().now();
        if expires.is_some_and(|expires| expires <= now) {
            return Err(Error::invalid("the token would have expired already"));
        }
        let missing = || Error::not_found(format!("unknown user '{user}'"));
        let found = self.find_user(user).await?.ok_or_else(missing)?;
        let text = TokenText::new(self.environment());
        let token = Token {
            id: text.id,
            name,
            user: found.name,
            user_id: found.id,
            grants,
            created: now,
            expires,
            actor: self.actor().to_string(),
            hash: text.hash(),
        };
        let (reference, value) = (record::token_ref(token.id), encode(&TokenRecord::of(&token))?);
        match self.shared.backend.refs.compare_and_set(&reference, None, Some(value)).await? {
            CasResult::Done(_) => Ok((token, text.text())),
            CasResult::Moved(_) => Err(Error::conflict("the token is there already; try again")),
        }
    }

    /// The token of a text, whoever gives it; `None` if there is none, or it has expired.
    pub async fn find_token(&self, text: &str) -> Result<Option<Token>> {
        let Some(text) = TokenText::parse(text) else { return Ok(None) };
        let now = self.environment().now();
        Ok(self
            .token(text.id)
            .await?
            .filter(|token| text.has_hash(token.hash) && token.is_valid(now)))
    }

    /// The token of this id; `None` if there is none.
    pub async fn token(&self, id: TokenId) -> Result<Option<Token>> {
        let reference = record::token_ref(id);
        match self.shared.backend.refs.get(&reference).await? {
            Some(stored) => decode::<TokenRecord>(&reference, stored)?.record.token(id).map(Some),
            None => Ok(None),
        }
    }

    /// The tokens, also those that have expired, the oldest first.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let refs = self.shared.backend.refs.list(TOKENS).await?;
        let tokens = refs.into_iter().map(|(reference, stored)| {
            let record = decode::<TokenRecord>(&reference, stored)?.record;
            record.token(record::token_of_ref(&reference)?)
        });
        let mut tokens = tokens.collect::<Result<Vec<_>>>()?;
        tokens.sort_by_key(|token| (token.created, token.id));
        Ok(tokens)
    }

    /// Removes a token: from now on nobody acts by it. Gives it as it was.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` if others keep changing it.
    pub async fn drop_token(&self, id: TokenId) -> Result<Token> {
        let reference = record::token_ref(id);
        let mut backoff = Backoff::new(self.environment());
        let refs = &self.shared.backend.refs;
        while backoff.attempt().await {
            let missing = || Error::not_found(format!("unknown token '{id}'"));
            let stored = refs.get(&reference).await?.ok_or_else(missing)?;
            let found = decode::<TokenRecord>(&reference, stored)?;
            let expected = Some(&found.version);
            if let CasResult::Done(_) = refs.compare_and_set(&reference, expected, None).await? {
                return found.record.token(id);
            }
        }
        Err(Error::conflict(format!("token '{id}' changed during every attempt; try again")))
    }
}
