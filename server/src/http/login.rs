//! Who asks: users by HTTP Basic (RFC 7617), programs by tokens (RFC 6750),
//! browsers by a session.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::storage::Secret;
use argon_core::users::{Credentials, User, UserDatabase, UserName};
use argon_service::user;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Http;
use super::problem::Problem;
use crate::auth::Who;

/// How long a password that was right is not computed again.
const FRESH: Duration = Duration::from_mins(5);
/// The most passwords that are remembered, by their hashes.
const MOST: usize = 10_000;

/// The address of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Peer {
    /// The address that a request came from.
    pub(crate) fn of(head: &Parts) -> Option<SocketAddr> {
        head.extensions.get::<Self>().map(|Self(peer)| *peer)
    }
}

/// The logins that succeeded a moment ago, by the hash of the user and the password: each request has a password, and
/// each computation takes milliseconds.
pub(super) struct Logins {
    known: Mutex<HashMap<[u8; 32], Known>>,
    computing: Semaphore,
}

/// How many passwords are computed at a time.
const COMPUTING: usize = 4;

impl Default for Logins {
    fn default() -> Self {
        Self { known: Mutex::default(), computing: Semaphore::new(COMPUTING) }
    }
}

struct Known {
    who: Who,
    /// The keys of the password that was right.
    credentials: Credentials,
    at: Instant,
}

impl Logins {
    /// The user who sends a request; `None` if nobody has to log in.
    pub(super) async fn who(&self, http: &Http, head: &Parts) -> Result<Option<Who>, Problem> {
        if !http.shared.options.auth {
            return Ok(None);
        }
        if !head.headers.contains_key(header::AUTHORIZATION)
            && let Some(who) = http.sessions.who(http, head).await?
        {
            return Ok(Some(who));
        }
        if let Some(token) = bearer(head) {
            let detail = "the token is unknown, or has expired";
            let refused = || Problem::new(StatusCode::UNAUTHORIZED, detail);
            let who = http.shared.users.of_token(token).await?;
            if let (None, Some(client)) = (&who, Peer::of(head)) {
                tracing::warn!(%client, "an unknown token was shown");
                http.shared.audit_login("http", client, "(token)", false);
            }
            return who.ok_or_else(refused).map(Some);
        }
        let (name, password) = basic(head)?;
        let secret = *http.shared.users.secret().await?;
        let hash = hash(&secret, &name, &password);
        if let Some(who) = self.known(http, &hash).await? {
            return Ok(Some(who));
        }
        let user = self.check(http, head, &name, password).await?;
        let (who, credentials) = (Who::of(&user), user.credentials.clone());
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(hash, Known { who: who.clone(), credentials, at: Instant::now() });
        Ok(Some(who))
    }

    /// Checks a password. A few are computed at a time, so that those who try passwords hold nobody up for long.
    pub(super) async fn check(
        &self,
        http: &Http,
        head: &Parts,
        name: &str,
        password: String,
    ) -> Result<Arc<User>, Problem> {
        let Some(client) = Peer::of(head) else { return Err(refused()) };
        let peer = client.ip();
        let Some(wait) = http.shared.throttle.turn(peer, name, Instant::now()) else {
            let detail = "too many logins failed; try again later";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        };
        tokio::time::sleep(wait).await;
        let _turn = self.computing.acquire().await;
        let found = match UserName::new(UserDatabase::Admin, name) {
            Ok(name) => http.shared.users.find(&name).await?,
            Err(_) => None,
        };
        let secret = *http.shared.users.secret().await?;
        let tried = found.as_ref().map(|user| user.credentials.clone()).unwrap_or_default();
        let user = name.to_owned();
        let is_right = tokio::task::spawn_blocking(move || {
            user::is_password(&tried, &secret, &user, &Secret::new(password))
        });
        let is_right = is_right.await.unwrap_or(false);
        let Some(found) = found.filter(|_| is_right) else {
            http.shared.throttle.failed(peer, name, Instant::now());
            tracing::warn!(user = name, %peer, "a login failed");
            http.shared.audit_login("http", client, name, false);
            return Err(refused());
        };
        http.shared.audit_login("http", client, name, true);
        http.shared.throttle.succeeded(peer, name, Instant::now());
        Ok(found)
    }

    /// The user of a password that was right a moment ago, and still is.
    async fn known(&self, http: &Http, hash: &[u8; 32]) -> Result<Option<Who>, Problem> {
        let known = {
            let mut all = self.lock();
            match all.get(hash) {
                Some(known) if known.at.elapsed() < FRESH => {
                    Some((known.who.clone(), known.credentials.clone()))
                }
                Some(_) => {
                    all.remove(hash);
                    None
                }
                None => None,
            }
        };
        let Some((who, credentials)) = known else { return Ok(None) };
        let user = http.shared.users.current(&who).await?;
        Ok(user.filter(|user| user.credentials == credentials).map(|_| who))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash of a login. The secret of the store is in it, so that it says nothing to others.
fn hash(secret: &[u8; 32], name: &str, password: &str) -> [u8; 32] {
    let length = name.len().to_le_bytes();
    Sha256::digest([&secret[..], &length, name.as_bytes(), password.as_bytes()].concat()).into()
}

/// The token of a request.
fn bearer(head: &Parts) -> Option<&str> {
    let value = head.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The user and the password of a request.
fn basic(head: &Parts) -> Result<(String, String), Problem> {
    let value = head.headers.get(header::AUTHORIZATION).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "log in by HTTP Basic, as a user of the server, or by a token",
        )
    })?;
    let (scheme, encoded) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    let decoded = BASE64.decode(encoded.trim().as_bytes()).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let both = text.as_deref().and_then(|text| text.split_once(':'));
    match both.filter(|_| scheme.eq_ignore_ascii_case("basic")) {
        Some((name, password)) => Ok((name.to_owned(), password.to_owned())),
        None => {
            Err(Problem::new(StatusCode::UNAUTHORIZED, "expected Authorization: Basic or Bearer"))
        }
    }
}

fn refused() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "the user or the password is wrong")
}
