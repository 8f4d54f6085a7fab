//! Replies to requests that are sent again, with the header `Idempotency-Key`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::problem::Problem;
use super::reply;
use crate::auth::Who;

/// The header that names a request.
const KEY: &str = "idempotency-key";
/// How long a reply is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);
/// The most replies that are remembered, and their bytes; the oldest ones go first.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 64 << 20;

/// The replies of a server to requests with a key. A restart forgets them.
#[derive(Default)]
pub(super) struct Repeated(Arc<Mutex<Replies>>);

#[derive(Default)]
struct Replies {
    by_key: HashMap<[u8; 32], Known>,
    bytes: usize,
}

struct Known {
    /// What was asked.
    request: [u8; 32],
    at: Instant,
    /// `None` as long as it runs.
    reply: Option<(StatusCode, Bytes)>,
}

/// A request with a key that is there for the first time.
pub(super) struct Once {
    key: [u8; 32],
    replies: Arc<Mutex<Replies>>,
}

/// Whether a request runs.
pub(super) enum Turn {
    /// It has no key, or is there for the first time.
    Run(Option<Once>),
    /// It was answered.
    Answered(Response),
}

impl Repeated {
    /// Whether a request runs, or was answered before.
    ///
    /// # Errors
    /// 409 if it runs now; 422 if another request had its key.
    pub(super) fn turn(
        &self,
        headers: &HeaderMap,
        who: Option<&Who>,
        (method, uri, body): (&Method, &Uri, &Bytes),
    ) -> Result<Turn, Problem> {
        let Some(key) = headers.get(KEY) else { return Ok(Turn::Run(None)) };
        let user = who.map(|who| who.name.to_string()).unwrap_or_default();
        let key: [u8; 32] =
            Sha256::digest([user.as_bytes(), b"\0", key.as_bytes()].concat()).into();
        let condition = headers.get(header::IF_MATCH).map(HeaderValue::as_bytes);
        let request: [u8; 32] = Sha256::new()
            .chain_update(format!("{method} {uri}\n"))
            .chain_update(condition.unwrap_or_default())
            .chain_update(b"\n")
            .chain_update(body)
            .finalize()
            .into();
        let mut replies = lock(&self.0);
        match replies.by_key.get(&key).filter(|known| known.at.elapsed() < REMEMBERED) {
            Some(known) if known.request != request => {
                let detail = "another request had this Idempotency-Key; choose a new one";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
            }
            Some(Known { reply: Some((status, body)), .. }) => {
                Ok(Turn::Answered(reply::json(*status, body.to_vec())))
            }
            Some(_) => {
                let detail = "the request with this Idempotency-Key runs; try again later";
                Err(Problem::new(StatusCode::CONFLICT, detail))
            }
            None => {
                replies.make_room();
                replies.by_key.insert(key, Known { request, at: Instant::now(), reply: None });
                Ok(Turn::Run(Some(Once { key, replies: self.0.clone() })))
            }
        }
    }
}

impl Once {
    /// Remembers a reply. A request that failed may be tried again, unless it may have been done.
    pub(super) async fn keep(
        self,
        response: Result<Response, Problem>,
    ) -> Result<Response, Problem> {
        let (head, body) = match response {
            // It may have been done.
            Err(problem) if problem.is_indeterminate() => problem.into_response().into_parts(),
            response => response?.into_parts(),
        };
        let body = axum::body::to_bytes(body, MOST_BYTES).await.map_err(|_| {
            let detail = "the reply is too large to be kept";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
        })?;
        let mut replies = lock(&self.replies);
        if let Some(known) = replies.by_key.get_mut(&self.key) {
            known.reply = Some((head.status, body.clone()));
            replies.bytes += body.len();
        }
        drop(replies);
        Ok(Response::from_parts(head, Body::from(body)))
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        let mut replies = lock(&self.replies);
        if replies.by_key.get(&self.key).is_some_and(|known| known.reply.is_none()) {
            replies.by_key.remove(&self.key);
        }
    }
}

impl Replies {
    /// Forgets the oldest replies, the half of them if there are too many.
    fn make_room(&mut self) {
        if self.by_key.len() < MOST && self.bytes < MOST_BYTES {
            return;
        }
        let mut times: Vec<Instant> = self.by_key.values().map(|known| known.at).collect();
        times.sort_unstable();
        let Some(middle) = times.get(times.len() / 2).copied() else { return };
        self.by_key.retain(|_, known| known.reply.is_none() || known.at > middle);
        let bytes = self.by_key.values().filter_map(|known| known.reply.as_ref());
        self.bytes = bytes.map(|(_, body)| body.len()).sum();
    }
}

fn lock(replies: &Mutex<Replies>) -> MutexGuard<'_, Replies> {
    replies.lock().unwrap_or_else(PoisonError::into_inner)
}
