//! The sessions of browsers: a login by a form, remembered by a cookie that no script can read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use data_encoding::BASE64URL_NOPAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::asked::check_type;
use super::problem::Problem;
use super::{Http, State, answer};
use crate::auth::Who;

/// Where a browser logs in and out, and asks who it is.
pub(super) const PATH: &str = "/v1/session";
/// How long a login is remembered.
const LIFETIME: Duration = Duration::from_hours(12);
/// The most sessions at one time; beyond that, the oldest end.
const MOST: usize = 10_000;
/// The most bytes of a login.
const MOST_BODY_BYTES: usize = 16 * 1024;
/// The cookie; by TLS, browsers see to it that no other host has set it.
const COOKIE: &str = "argon_session";
const COOKIE_BY_TLS: &str = "__Host-argon_session";

/// Logs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The user.
    user: String,
    /// The password.
    password: String,
}

/// Who asks, and what the server is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Session {
    /// The user; null if nobody is logged in.
    user: Option<String>,
    /// Whether users have to log in.
    auth: bool,
    /// Whether the server takes no writes.
    read_only: bool,
    /// The version of the server.
    version: &'static str,
}

/// The sessions, by the hashes of what their cookies have. They end with the server.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Known>>);

struct Known {
    who: Who,
    /// What the login was checked against: a new password ends the session.
    credentials: argon_core::users::Credentials,
    since: Instant,
}

/// The service of [`PATH`].
pub(super) fn methods() -> MethodRouter<Arc<Http>> {
    axum::routing::get(async |http: State, request: Request| show(&http, request).await)
        .post(async |http: State, request: Request| begin(&http, request).await)
        .delete(async |http: State, request: Request| end(&http, &request))
}

async fn show(http: &Http, request: Request) -> Result<Response, Problem> {
    let options = &http.shared.options;
    let (head, _) = request.into_parts();
    let who = if head.headers.contains_key(header::AUTHORIZATION) {
        http.logins.who(http, &head).await?
    } else {
        http.sessions.of(http, &head.headers).await?
    };
    let session = Session {
        user: who.map(|who| who.name.to_string()),
        auth: options.auth,
        read_only: options.read_only,
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(axum::Json(session).into_response())
}

async fn begin(http: &Http, request: Request) -> Result<Response, Problem> {
    if !http.shared.options.auth {
        let detail = "nobody logs in: the server was started without --auth";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let (head, body) = request.into_parts();
    check_type(&head.headers)?;
    let body = answer::read(body, MOST_BODY_BYTES).await?;
    let Login { user, password } = serde_json::from_slice(&body)
        .map_err(|_| Problem::bad_request("expected {\"user\": \"…\", \"password\": \"…\"}"))?;
    let found = http.logins.check(http, &head, &user, password).await?;
    let secret = http.shared.store.environment().random::<32>();
    let known = Known {
        who: Who::of(&found),
        credentials: found.credentials.clone(),
        since: Instant::now(),
    };
    http.sessions.add(hash(&secret), known);
    let value = BASE64URL_NOPAD.encode(&secret);
    Ok(with_cookie(http, &value, LIFETIME.as_secs()))
}

fn end(http: &Http, request: &Request) -> Result<Response, Problem> {
    refuse_foreign(request.headers())?;
    if let Some(secret) = secret(http, request.headers()) {
        http.sessions.all().remove(&hash(&secret));
    }
    Ok(with_cookie(http, "", 0))
}

fn with_cookie(http: &Http, value: &str, seconds: u64) -> Response {
    let by_tls = if http.shared.options.tls.is_some() { "; Secure" } else { "" };
    let name = cookie(http);
    let cookie =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{by_tls}");
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

impl Sessions {
    /// The user of the session that a request belongs to, if it has one. What changes something has to come from a
    /// page of this server, as its browser says.
    pub(super) async fn who(&self, http: &Http, head: &Parts) -> Result<Option<Who>, Problem> {
        let who = self.of(http, &head.headers).await?;
        if who.is_some() && !head.method.is_safe() {
            refuse_foreign(&head.headers)?;
        }
        Ok(who)
    }

    async fn of(&self, http: &Http, headers: &HeaderMap) -> Result<Option<Who>, Problem> {
        let Some(secret) = secret(http, headers) else { return Ok(None) };
        let hash = hash(&secret);
        let (who, credentials) = {
            let mut all = self.all();
            match all.get(&hash) {
                Some(known) if known.since.elapsed() < LIFETIME => {
                    (known.who.clone(), known.credentials.clone())
                }
                Some(_) => {
                    all.remove(&hash);
                    return Ok(None);
                }
                None => return Ok(None),
            }
        };
        let user = http.shared.users.current(&who).await?;
        let is_same = user.is_some_and(|user| user.credentials == credentials);
        Ok(is_same.then_some(who))
    }

    fn add(&self, hash: [u8; 32], known: Known) {
        let mut all = self.all();
        if all.len() >= MOST {
            all.retain(|_, known| known.since.elapsed() < LIFETIME);
            let oldest = all.iter().min_by_key(|(_, known)| known.since).map(|(hash, _)| *hash);
            if let Some(oldest) = oldest.filter(|_| all.len() >= MOST) {
                all.remove(&oldest);
            }
        }
        all.insert(hash, known);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<[u8; 32], Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cookie(http: &Http) -> &'static str {
    if http.shared.options.tls.is_some() { COOKIE_BY_TLS } else { COOKIE }
}

/// What the cookie of a request has.
fn secret(http: &Http, headers: &HeaderMap) -> Option<Vec<u8>> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    let value = pairs.find_map(|pair| pair.trim().strip_prefix(cookie(http))?.strip_prefix('='))?;
    BASE64URL_NOPAD.decode(value.as_bytes()).ok()
}

/// Sessions are remembered by this, so that what the server remembers opens nothing.
fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Refuses what no page of this server sent.
fn refuse_foreign(headers: &HeaderMap) -> Result<(), Problem> {
    // Those of other servers are refused before, by the same header and by `Sec-Fetch-Site`.
    if headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let detail = "a request of a browser's session that changes something needs the header Origin";
    Err(Problem::new(StatusCode::FORBIDDEN, detail))
}
