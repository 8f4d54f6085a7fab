//! Tokens: secrets by which a program acts as a user, without the password.

use std::fmt;
use std::str::FromStr;

use bson::DateTime;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::{Grant, UserName};
use crate::model::environment::Environment;
use crate::storage::Secret;
use crate::{Error, Result};

/// How every token begins, so that scanners of source code find those that were committed.
const PREFIX: &str = "argon_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

/// Names a token: 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub(super) [u8; ID_BYTES]);

/// A token, as the store has it: with the hash of its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Its identity, which its text has too.
    pub id: TokenId,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// The user.
    pub user: UserName,
    /// Distinguishes the user from another who has the name later.
    pub user_id: [u8; 16],
    /// What it allows at most, of what the user may do; `None` for all of that.
    pub grants: Option<Vec<Grant>>,
    /// The time of creation.
    pub created: DateTime,
    /// Until when it is valid; `None` for ever.
    pub expires: Option<DateTime>,
    /// Who created it.
    pub actor: String,
    pub(super) hash: [u8; 32],
}

/// What the text of a token has.
pub(super) struct TokenText {
    pub(super) id: TokenId,
    pub(super) secret: Vec<u8>,
}

impl TokenText {
    /// A new token.
    pub(super) fn new(environment: &Environment) -> Self {
        let secret = environment.random::<SECRET_BYTES>().to_vec();
        Self { id: TokenId(environment.random()), secret }
    }

    /// The token of a text; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        let (id, secret) = bytes.split_first_chunk()?;
        (secret.len() == SECRET_BYTES).then(|| Self { id: TokenId(*id), secret: secret.to_vec() })
    }

    pub(super) fn text(&self) -> Secret {
        let bytes = [&self.id.0[..], &self.secret].concat();
        Secret::new(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)))
    }

    /// What the store keeps of the secret. It is random, so that a plain hash tells nothing of it.
    pub(super) fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.secret).as_bytes()
    }

    /// Whether this is the secret of a hash, which takes the same time whatever it is.
    pub(super) fn has_hash(&self, hash: [u8; 32]) -> bool {
        blake3::hash(&self.secret) == blake3::Hash::from_bytes(hash)
    }
}

impl Token {
    /// Whether it is valid at a time.
    pub fn is_valid(&self, now: DateTime) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for TokenId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let id = bytes.and_then(|bytes| bytes.try_into().ok());
        id.map(Self).ok_or_else(|| {
            Error::invalid(format!("'{text}' should be the id of a token: 16 hexadecimal digits"))
        })
    }
}
