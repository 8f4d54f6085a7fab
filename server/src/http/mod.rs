//! The operations of the service over HTTP: REST, described by OpenAPI.
//!
//! A request is a row of the table of routes, which names an operation: the path, the query and the body together are
//! the request of the operation, as docs/JSON.md has it. So nothing here knows a single operation.
//!
//! | file | content |
//! | --- | --- |
//! | `routes.rs` | the table of routes |
//! | `prepared.rs` | a route with the schema of its request |
//! | `asked.rs` | from the path, the query and the body to the request of an operation |
//! | `answer.rs` | runs the operation of a route |
//! | `reply.rs` | results as JSON, at once or line by line |
//! | `changes.rs` | the commits of a branch as events |
//! | `export.rs`, `spool.rs` | collections as files, also part by part |
//! | `background.rs` | requests that run while their clients do something else |
//! | `repeated.rs` | replies to requests that are sent again |
//! | `problem.rs` | errors, as RFC 9457 has them |
//! | `login.rs`, `session.rs`, `guard.rs` | who asks, the sessions of browsers, and what browsers may not |
//! | `openapi.rs`, `reference.html` | the description |
//! | `console.rs` | the pages of the console |
//! | `listen.rs` | connections |

mod answer;
mod asked;
mod background;
mod changes;
mod console;
mod export;
mod guard;
mod listen;
mod login;
mod openapi;
mod prepared;
mod problem;
mod repeated;
mod reply;
mod routes;
mod session;
mod spool;

use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use argon_service::operations::Operation;
use argon_service::usage_metrics::{Reading, prometheus};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any, get, on};
use tokio::sync::{RwLock, Semaphore};
use tower_http::compression::CompressionLayer;

pub(crate) use listen::serve;
pub(crate) use login::Peer;

use crate::mcp;
use crate::requests::OperationOptions;
use crate::rights;
use crate::shared::Shared;
use background::Background;
use login::Logins;
use prepared::Prepared;
use problem::Problem;
use repeated::Repeated;
use session::Sessions;
use spool::Exports;

/// The most bytes of a body: those of a message of the wire protocol.
const MOST_BODY_BYTES: usize = crate::wire::MAX_MESSAGE_BYTES;

/// The server of HTTP.
pub(crate) struct Http {
    shared: Arc<Shared>,
    options: OperationOptions,
    logins: Logins,
    sessions: Sessions,
    mcp: mcp::Service,
    repeated: Repeated,
    exports: Exports,
    /// For each file that is exported.
    exporting: Arc<Semaphore>,
    background: Background,
    /// Held by each request that writes.
    writing: Arc<RwLock<()>>,
    /// For each client that follows a branch.
    following: Arc<Semaphore>,
    /// The description, which few ask for: it is written when it is.
    openapi: LazyLock<String, Box<dyn FnOnce() -> String + Send>>,
}

/// How often it is looked for what nobody asks for any more.
const EXPIRY: Duration = Duration::from_mins(1);
impl Http {
    /// Resolves when the server ends.
    async fn stopped(self: Arc<Self>) {
        self.shared.stopping().wait().await;
    }
}

/// The most files that are exported at one time: each takes a thread while it is written.
const MOST_EXPORTING: usize = 16;
/// The most clients that follow branches at one time.
const MOST_FOLLOWING: usize = 256;

/// The service of all paths, and what its writes hold.
pub(crate) fn router(shared: &Arc<Shared>, options: OperationOptions) -> (Router, Arc<RwLock<()>>) {
    let (prepared, generator) = Prepared::all();
    let routes = prepared.clone();
    let openapi = move || openapi::document(&routes, generator).to_string();
    let writing = Arc::<RwLock<()>>::default();
    let (of_agents, held) = (options.clone(), writing.clone());
    let http = Arc::new(Http {
        shared: shared.clone(),
        mcp: mcp::service(shared, of_agents, held, MOST_BODY_BYTES),
        options,
        logins: Logins::default(),
        sessions: Sessions::default(),
        repeated: Repeated::default(),
        exports: Exports::default(),
        exporting: Arc::new(Semaphore::new(MOST_EXPORTING)),
        background: Background::default(),
        writing: writing.clone(),
        following: Arc::new(Semaphore::new(MOST_FOLLOWING)),
        openapi: LazyLock::new(Box::new(openapi)),
    });
    tokio::spawn(expire(Arc::downgrade(&http)));
    let mut router = Router::new()
        .merge(console::routes())
        .route("/reference", get(reference))
        .route("/openapi.json", get(described))
        .route("/metrics", get(metrics))
        .route(changes::PATH, get(changes::changes))
        .route(session::PATH, session::methods());
    if shared.options.mcp {
        router = router.route(mcp::PATH, any(agents));
    }
    for (path, methods) in background::methods() {
        router = router.route(path, methods);
    }
    for route in prepared {
        let path = route.route.path;
        router = router.route(path, operation(route));
    }
    let router = router
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .fallback(async |request: Request| Problem::no_such_path(request.uri().path()))
        .layer(CompressionLayer::new())
        // A file has one tag, and parts: it is sent as it is.
        .route(export::PATH, get(export::file))
        .layer(axum::middleware::from_fn_with_state(http.clone(), guard::guard))
        .with_state(http);
    (router, writing)
}

/// Removes what nobody asks for any more, for as long as the server is there.
async fn expire(http: Weak<Http>) {
    loop {
        tokio::time::sleep(EXPIRY).await;
        let Some(http) = http.upgrade() else { return };
        http.exports.expire();
        http.background.expire();
    }
}

type State = axum::extract::State<Arc<Http>>;

/// The service of a route.
fn operation(route: Arc<Prepared>) -> MethodRouter<Arc<Http>> {
    let filter = MethodFilter::try_from(route.route.method.clone()).unwrap_or(MethodFilter::GET);
    on(filter, async move |http: State, request: Request| {
        answer::answer(&http.0, &route, request).await
    })
}

/// The tools of agents, by the protocol that they speak.
async fn agents(http: State, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let who = http.logins.who(&http, &head).await.map_err(Problem::closing)?;
    Ok(http.mcp.answer(who, Request::from_parts(head, body)).await)
}

/// The metrics as Prometheus reads them.
async fn metrics(http: State, request: Request) -> Result<Response, Problem> {
    let (head, _) = request.into_parts();
    let who = http.logins.who(&http, &head).await?;
    let asked = rights::Asked::new(Operation::named("store.metrics")?, None);
    rights::check_operation(&http.shared, who.as_ref(), &asked).await?;
    let text = prometheus(&Reading::now(&http.shared.store).await?);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// The description as a page, which has its script within.
async fn reference() -> Response {
    let policy = HeaderValue::from_static(guard::POLICY_OF_REFERENCE);
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(include_str!("reference.html")))
        .into_response()
}

async fn described(http: State) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], http.openapi.clone()).into_response()
}
