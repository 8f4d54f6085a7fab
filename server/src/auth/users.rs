//! The users of the store, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::users::{Token, TokenId, User, UserName};
use argon_core::{Result, Store};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Who;

/// How long a change that another process made may go unnoticed.
const FRESH: Duration = Duration::from_secs(3);
/// The most users that are remembered.
const MOST: usize = 10_000;

/// The users of a store.
pub(crate) struct Users {
    store: Store,
    known: Mutex<HashMap<UserName, (Instant, Arc<User>)>>,
    secret: OnceCell<[u8; 32]>,
    /// The tokens that were shown a moment ago, by the hashes of their texts.
    tokens: Mutex<HashMap<[u8; 32], (Instant, Token)>>,
}

impl Users {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, known: Mutex::default(), secret: OnceCell::new(), tokens: Mutex::default() }
    }

    /// The user of a name as it is stored now; `None` if there is none.
    pub(crate) async fn find(&self, name: &UserName) -> Result<Option<Arc<User>>> {
        let found = self.store.find_user(name).await?.map(Arc::new);
        let mut known = self.known();
        match &found {
            Some(user) => {
                if known.len() >= MOST {
                    known.clear();
                }
                known.insert(name.clone(), (Instant::now(), user.clone()));
            }
            None => drop(known.remove(name)),
        }
        drop(known);
        Ok(found)
    }

    /// A user who has logged in, as it was a moment ago; `None` if the user was dropped, or the token.
    pub(crate) async fn current(&self, who: &Who) -> Result<Option<Arc<User>>> {
        if let Some(by) = &who.token
            && !self.is_token(by.id).await?
        {
            return Ok(None);
        }
        let known = self.known().get(&who.name).cloned();
        let user = match known {
            Some((read, user)) if read.elapsed() < FRESH => Some(user),
            _ => self.find(&who.name).await?,
        };
        Ok(user.filter(|user| user.id == who.id))
    }

    /// The user of a token, as it was a moment ago; `None` if it is none, or is not valid any more.
    pub(crate) async fn of_token(&self, text: &str) -> Result<Option<Who>> {
        let hash: [u8; 32] = Sha256::digest(text).into();
        let known = self.tokens().get(&hash).cloned();
        let token = match known {
            Some((read, token)) if read.elapsed() < FRESH => Some(token),
            _ => self.find_token(hash, text).await?,
        };
        let now = self.store.environment().now();
        let Some(token) = token.filter(|token| token.is_valid(now)) else { return Ok(None) };
        let who = Who::of_token(&token);
        Ok(self.current(&who).await?.map(|_| who))
    }

    /// Whether a token that was shown is valid still.
    async fn is_token(&self, id: TokenId) -> Result<bool> {
        let now = self.store.environment().now();
        let is_known = |(read, token): &&(Instant, Token)| token.id == id && read.elapsed() < FRESH;
        let known = self.tokens().values().find(is_known).map(|(_, token)| token.is_valid(now));
        match known {
            Some(is_valid) => Ok(is_valid),
            None => Ok(self.store.token(id).await?.is_some_and(|token| token.is_valid(now))),
        }
    }

    async fn find_token(&self, hash: [u8; 32], text: &str) -> Result<Option<Token>> {
        let found = self.store.find_token(text).await?;
        let mut tokens = self.tokens();
        match &found {
            Some(token) => {
                if tokens.len() >= MOST {
                    tokens.clear();
                }
                tokens.insert(hash, (Instant::now(), token.clone()));
            }
            None => drop(tokens.remove(&hash)),
        }
        drop(tokens);
        Ok(found)
    }

    /// Forgets all users and tokens, after a change.
    pub(crate) fn forget(&self) {
        self.known().clear();
        self.tokens().clear();
    }

    /// What the salts of users that do not exist are derived from.
    pub(crate) async fn secret(&self) -> Result<&[u8; 32]> {
        self.secret.get_or_try_init(|| self.store.users_secret()).await
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<[u8; 32], (Instant, Token)>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<UserName, (Instant, Arc<User>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
