//! An agent at the other end of the streams of a process.

use std::pin::pin;
use std::sync::Arc;

use argon_core::model::Actor;
use argon_core::users::UserName;
use argon_core::{Error, Result, Store};
use rmcp::ServiceExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::RwLock;

use super::Mcp;
use super::agent::Agents;
use crate::auth::Who;
use crate::options::ServeOptions;
use crate::requests::OperationOptions;
use crate::shared::Shared;

/// An agent that a process serves.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    /// Who signs; without it, the name that the agent's program gives itself.
    pub actor: Option<Actor>,
    /// The user as whom it acts, and whose roles say what it may do; `None` for all rights.
    pub user: Option<UserName>,
    /// The name of its run, which its commits have as a trailer.
    pub session: String,
}

/// Serves the tools to an agent, which sends requests by one stream and reads replies from another, until the stream
/// of requests ends, or until `end`. What writes then ends first.
///
/// # Errors
/// `NotFound` if there is no such user; `Unavailable` if the agent does not speak the protocol.
pub async fn serve_agent(
    store: Store,
    options: ServeOptions,
    operations: OperationOptions,
    agent: AgentOptions,
    (requests, replies): (
        impl AsyncRead + Send + Unpin + 'static,
        impl AsyncWrite + Send + Unpin + 'static,
    ),
    end: impl Future<Output = ()>,
) -> Result<()> {
    let options = ServeOptions { auth: agent.user.is_some(), ..options };
    let shared = Arc::new(Shared::new(store, options));
    let who = match &agent.user {
        Some(name) => {
            let missing = || Error::not_found(format!("there is no user '{name}'"));
            Some(Who::of(&*shared.users.find(name).await?.ok_or_else(missing)?))
        }
        None => None,
    };
    let agents = Agents::One { who, actor: agent.actor, session: agent.session };
    let writing = Arc::new(RwLock::new(()));
    let mcp = Mcp::new(shared, operations, agents, writing.clone());
    let failed = |error: rmcp::service::ServerInitializeError| {
        Error::unavailable("the agent does not speak the Model Context Protocol").with_source(error)
    };
    let mut end = pin!(end);
    let running = tokio::select! {
        running = mcp.serve((requests, replies)) => running.map_err(failed)?,
        () = &mut end => return Ok(()),
    };
    let stop = running.cancellation_token();
    let mut waiting = pin!(running.waiting());
    let ended = tokio::select! {
        ended = &mut waiting => ended,
        () = &mut end => {
            let _written = writing.write().await;
            stop.cancel();
            waiting.await
        }
    };
    let _written = writing.write().await;
    ended.map_err(|error| Error::internal("the server of the agent failed").with_source(error))?;
    Ok(())
}
