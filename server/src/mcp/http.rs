//! Agents over HTTP: one path, which the protocol calls "streamable HTTP".

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::RwLock;
use tokio::time::Instant;

use super::Mcp;
use super::agent::{Agents, Caller, SESSION_HEADER};
use crate::auth::Who;
use crate::requests::OperationOptions;
use crate::shared::Shared;

/// Where agents connect.
pub(crate) const PATH: &str = "/mcp";
/// The most sessions at one time, and how long one may be idle.
const MOST: usize = 1000;
const IDLE: Duration = Duration::from_mins(10);

/// The service of the path.
#[derive(Clone)]
pub(crate) struct Service {
    service: StreamableHttpService<Mcp, LocalSessionManager>,
    sessions: Arc<Mutex<HashMap<String, Session>>>,
}

/// A session, in revisions of the protocol that have one. It is of the user who began it.
struct Session {
    who: Option<Who>,
    used: Instant,
}

/// The service of the path, whose writes hold a lock.
pub(crate) fn service(
    shared: &Arc<Shared>,
    options: OperationOptions,
    writing: Arc<RwLock<()>>,
    most_body_bytes: usize,
) -> Service {
    let mcp = Mcp::new(shared.clone(), options, Agents::OfRequests, writing);
    // Hosts and origins are checked for all paths.
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(Vec::<String>::new())
        .with_max_request_body_bytes(most_body_bytes);
    let (ended, mut stopping) = (config.cancellation_token.clone(), shared.stopping());
    tokio::spawn(async move {
        stopping.wait().await;
        ended.cancel();
    });
    let service = StreamableHttpService::new(move || Ok(mcp.clone()), Arc::default(), config);
    Service { service, sessions: Arc::default() }
}

impl Service {
    /// Answers a request of a user.
    pub(crate) async fn answer(&self, who: Option<Who>, mut request: Request) -> Response {
        if let Some(refused) = self.refuse(who.as_ref(), request.headers()) {
            return refused;
        }
        let ends = request.method() == Method::DELETE;
        request.extensions_mut().insert(Caller(who.clone()));
        let mut response = self.service.handle(request).await.map(Body::new);
        if let Some(begun) = session(response.headers()) {
            let session = Session { who, used: Instant::now() };
            self.sessions().insert(begun.to_owned(), session);
        }
        if ends && response.status() == StatusCode::ACCEPTED {
            // There is nothing to wait for.
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        response
    }

    /// Refuses a request within the session of somebody else, and a further session where there are too many.
    fn refuse(&self, who: Option<&Who>, headers: &HeaderMap) -> Option<Response> {
        let mut sessions = self.sessions();
        let Some(named) = session(headers) else {
            if sessions.len() >= MOST {
                sessions.retain(|_, session| session.used.elapsed() < IDLE);
            }
            let reason = "too many agents are connected; try again later";
            return (sessions.len() >= MOST)
                .then(|| (StatusCode::SERVICE_UNAVAILABLE, reason).into_response());
        };
        let known = sessions.get_mut(named)?;
        if known.who.as_ref() == who {
            known.used = Instant::now();
            return None;
        }
        Some((StatusCode::NOT_FOUND, "there is no such session").into_response())
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session that a message names.
fn session(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_HEADER)?.to_str().ok()
}
