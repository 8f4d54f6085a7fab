//! Agents over HTTP: one path, which the protocol calls "streamable HTTP".

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::RwLock;

use super::Mcp;
use super::agent::{Agents, Caller};
use crate::auth::Who;
use crate::requests::OperationOptions;
use crate::shared::Shared;

/// Where agents connect.
pub(crate) const PATH: &str = "/mcp";

/// The service of the path.
#[derive(Clone)]
pub(crate) struct Service(StreamableHttpService<Mcp, LocalSessionManager>);

/// The service of the path, whose writes hold a lock.
pub(crate) fn service(
    shared: Arc<Shared>,
    options: OperationOptions,
    writing: Arc<RwLock<()>>,
    most_body_bytes: usize,
) -> Service {
    let mcp = Mcp::new(shared, options, Agents::OfRequests, writing);
    // Hosts and origins are checked for all paths.
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(Vec::<String>::new())
        .with_max_request_body_bytes(most_body_bytes);
    Service(StreamableHttpService::new(move || Ok(mcp.clone()), Arc::default(), config))
}

impl Service {
    /// Answers a request of a user.
    pub(crate) async fn answer(&self, who: Option<Who>, mut request: Request) -> Response {
        request.extensions_mut().insert(Caller(who));
        self.0.handle(request).await.map(Body::new)
    }
}
