//! Tools for agents, by the Model Context Protocol: over HTTP at [`PATH`], and over the streams of a process.
//!
//! A tool is a row of the table of tools, which names an operation of the service: its arguments are the request. A
//! request stands for itself, as the newest revision of the protocol has it: the project, the branch and the state
//! are arguments.
//!
//! | file | content |
//! | --- | --- |
//! | `tools.rs` | the table of tools |
//! | `described.rs` | a tool with the schemas of its arguments and of its result |
//! | `agent.rs` | who calls, and how its commits are signed |
//! | `call.rs` | runs the operation of a tool |
//! | `resources.rs` | collections as resources |
//! | `streams.rs`, `http.rs` | how agents connect |

mod agent;
mod call;
mod described;
mod http;
mod resources;
mod streams;
mod tools;

use std::sync::Arc;

use argon_core::Hint;
use argon_service::Failure;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, model};
use tokio::sync::RwLock;

pub(crate) use http::{PATH, Service, service};
pub use streams::{AgentOptions, serve_agent};

use crate::requests::{OperationOptions, error_object};
use crate::shared::Shared;
use agent::Agents;
use described::Described;

/// What agents are told first.
const INSTRUCTIONS: &str = "\
Argon keeps documents as MongoDB has them, with the history of git: projects have branches, each write is a commit, \
and every past state can be read. Work on a sandbox of your own (create_sandbox), which ends by itself; look at the \
changes (diff), then merge them (merge_preview, merge_apply). Queries, updates and pipelines are MongoDB's. \
Documents are Extended JSON: {\"$oid\": \"…\"}, {\"$date\": \"…\"}. A state is named by a branch, a pin, a position \
(main@12) or a time (main@2026-07-07T09:00). Long lists come in pages: give `next` as `cursor`. What you have \
changed can be taken back (undo).";

/// The server of tools.
#[derive(Clone)]
pub(crate) struct Mcp {
    shared: Arc<Shared>,
    options: OperationOptions,
    agents: Agents,
    /// Held by each request that writes.
    writing: Arc<RwLock<()>>,
}

impl Mcp {
    fn new(
        shared: Arc<Shared>,
        options: OperationOptions,
        agents: Agents,
        writing: Arc<RwLock<()>>,
    ) -> Self {
        Self { shared, options, agents, writing }
    }

    /// The tools that a client may see.
    fn tools(&self) -> impl Iterator<Item = &'static Described> + use<> {
        let read_only = self.shared.options.read_only;
        Described::all().iter().filter(move |tool| !read_only || !tool.writes())
    }
}

impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        let server = Implementation::new("argon", env!("CARGO_PKG_VERSION")).with_title("Argon");
        ServerConfig::new(capabilities).with_server_info(server).with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools().map(|tool| tool.mcp.clone()).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = self.tools().find(|tool| tool.mcp.name == request.name);
        let tool = tool.ok_or_else(|| {
            ErrorData::invalid_params(format!("there is no tool '{}'", request.name), None)
        })?;
        let ended = context.ct.clone();
        let call = self.call(tool, request.arguments.unwrap_or_default(), &context);
        // A call that writes runs to its end once it has begun.
        let called = tokio::select! {
            called = call => called,
            () = ended.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
        };
        let result = match called {
            Ok(result) => CallToolResult::structured(result),
            Err(failure) => CallToolResult::error(vec![ContentBlock::text(explained(&failure))]),
        };
        Ok(result.into())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(vec![resources::template()]))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let after = request.and_then(|request| request.cursor);
        self.resources(after.as_deref(), &context).await.map_err(|failure| refused(&failure))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.resource(&request.uri, &context).await.map_err(|failure| refused(&failure))
    }
}

/// An error as an agent reads it.
fn explained(failure: &Failure) -> String {
    let Some((_, object)) = error_object(failure, hint_text) else { return failure.in_full() };
    serde_json::to_string(&object).unwrap_or(object.message)
}

/// An error of a request that is no call of a tool.
fn refused(failure: &Failure) -> ErrorData {
    let object = error_object(failure, hint_text);
    let is_missing = object.as_ref().is_some_and(|(_, object)| object.kind == "not_found");
    let code = if is_missing {
        model::ErrorCode::RESOURCE_NOT_FOUND
    } else {
        model::ErrorCode::INVALID_PARAMS
    };
    let message = object.as_ref().map_or_else(|| failure.in_full(), |(_, it)| it.message.clone());
    ErrorData::new(code, message, object.and_then(|(_, it)| serde_json::to_value(it).ok()))
}

/// What can be done, where it is a call of a tool.
fn hint_text(hint: &Hint) -> Option<String> {
    let text = match hint {
        Hint::CreateBranch { .. } => "list_branches lists the branches, create_branch makes one",
        Hint::ListBranches | Hint::SandboxEnded { .. } => "list_branches lists the branches",
        Hint::CreateProject { .. } => "list_projects lists the projects",
        Hint::ListPlans => "merge_list lists the plans",
        Hint::CheckLog => "look into the log whether it happened",
        Hint::TryAgain => "call the tool again",
        Hint::Unprotect { .. } | Hint::AllowWrites { .. } => {
            "write to a sandbox (create_sandbox), and merge it"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
