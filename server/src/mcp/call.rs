//! Runs the operation of a tool.

use argon_core::model::{BranchName, ProjectName};
use argon_core::{Error, ErrorKind, Revision};
use argon_service::audit::Outcome;
use argon_service::operations::{Effect, Operation, Scope, Target};
use argon_service::{Failure, Result};
use rmcp::model::JsonObject;
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use super::Mcp;
use super::agent::Agent;
use super::described::{CURSOR, Described, LIMIT, PROJECT, REVISION, SESSION};
use crate::audit::{By, Deed};
use crate::failure::CommandError;
use crate::http::Peer;
use crate::requests::{self, Cursor, Page, StatePlace, Whole};
use crate::rights;

/// The items of a page, by default and at most.
const PAGE: u64 = 50;
const MOST_OF_PAGE: u64 = 1000;
/// A page that has more bytes takes no further item: what agents read is short.
const MOST_BYTES_OF_PAGE: usize = 64 << 10;
/// The most bytes of a result.
const MOST_BYTES: usize = 256 << 10;

impl Described {
    /// Whether its operation changes anything.
    pub(super) fn writes(&self) -> bool {
        self.operation.effect != Effect::Read
    }
}

impl Mcp {
    /// Calls a tool. What writes runs to its end once it has begun, whether or not the agent waits for it.
    pub(super) async fn call(
        &self,
        tool: &Described,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Result<Value> {
        let agent = self.agent(context)?;
        let who = agent.who.clone();
        let branch = tool.tool.branch.and_then(|name| arguments.get(name)).and_then(Value::as_str);
        let project = arguments.get(PROJECT).and_then(Value::as_str);
        let (project, branch) = (project.map(str::to_owned), branch.map(str::to_owned));
        let called = self.call_as(tool, arguments, agent).await;
        let (outcome, reason) = match &called {
            Ok(_) => (Outcome::Done, None),
            Err(failure) if is_denied(failure) => (Outcome::Refused, Some(failure.in_full())),
            Err(failure) => (Outcome::Failed, Some(failure.in_full())),
        };
        if tool.writes() || outcome == Outcome::Refused {
            let parts = context.extensions.get::<axum::http::request::Parts>();
            let by = By { via: "mcp", who: who.as_ref(), client: parts.and_then(Peer::of) };
            let (project, branch) = (project.as_deref(), branch.as_deref());
            let (action, reason) = (tool.operation.name, reason.as_deref());
            self.shared.audit(by, Deed { action, project, branch, outcome, reason });
        }
        called
    }

    /// Calls a tool for an agent, and records nothing.
    pub(super) async fn call_as(
        &self,
        tool: &Described,
        arguments: JsonObject,
        agent: Agent,
    ) -> Result<Value> {
        let mut call = Call::new(self, tool, arguments, agent)?;
        call.require_rights(self, tool).await?;
        if tool.operation.scope == Scope::Store {
            let visible = rights::visible(&self.shared, call.agent.who.as_ref()).await;
            call.target.sees = visible.map_err(|error| denied(&error))?;
        }
        let json = if tool.writes() {
            let (mcp, operation) = (self.clone(), tool.operation);
            let writing = self.writing.clone().read_owned().await;
            let written = tokio::spawn(async move {
                let _writing = writing;
                let written = call.whole(&mcp, operation).await;
                requests::forget(&mcp.shared, operation);
                written
            });
            let failed = |_| Error::internal("the server failed within this call");
            written.await.map_err(failed)??
        } else if tool.operation.is_list {
            call.page(self, tool).await?
        } else {
            call.whole(self, tool.operation).await?
        };
        let failed = |error| Error::internal("a result can't be read back").with_source(error);
        // What is committed is no failure, however much there is to say about it.
        let mut result: Value = serde_json::from_slice(&json).map_err(failed)?;
        if json.len() > MOST_BYTES
            && !tool.operation.is_list
            && !shorten(&mut result)
            && !tool.writes()
        {
            let problem = format!(
                "the result has {} bytes, and {MOST_BYTES} are taken: ask for less of it, such as for some fields by \
                 the projection of find_documents",
                json.len()
            );
            return Err(Error::unsupported(problem).into());
        }
        Ok(if tool.is_wrapped { json!({ "result": result }) } else { result })
    }
}

/// A call of a tool.
struct Call {
    target: Target,
    agent: Agent,
    /// The request of the operation.
    request: JsonObject,
    cursor: Option<Cursor>,
    limit: Option<u64>,
}

impl Call {
    fn new(mcp: &Mcp, tool: &Described, mut arguments: JsonObject, agent: Agent) -> Result<Self> {
        if let Some(unknown) = arguments.keys().find(|name| !tool.takes(name)) {
            let problem = format!("{} takes no argument '{unknown}'", tool.mcp.name);
            return Err(Error::invalid(problem).into());
        }
        let text = |name: &str| match arguments.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Error::invalid(format!("'{name}' should be a text"))),
        };
        let project = text(PROJECT)?.map(ProjectName::new).transpose()?;
        let project = project.filter(|_| tool.operation.scope != Scope::Store);
        if project.is_none() && tool.operation.scope != Scope::Store {
            return Err(Error::invalid("missing argument 'project'").into());
        }
        let branch = match tool.tool.branch {
            Some(name) => {
                let missing = || Error::invalid(format!("missing argument '{name}'"));
                BranchName::new(text(name)?.ok_or_else(missing)?)?
            }
            None => mcp.shared.options.branch.clone(),
        };
        let cursor = text(CURSOR)?.as_deref().map(Cursor::parse).transpose()?;
        let session = text(SESSION)?;
        let limit = match arguments.get(LIMIT).filter(|_| tool.operation.is_list) {
            None | Some(Value::Null) => None,
            Some(limit) => Some(limit.as_u64().filter(|limit| *limit > 0).ok_or_else(|| {
                Error::invalid(format!("'limit' should be 1 or more, and is {limit}"))
            })?),
        };
        arguments.retain(|name, _| tool.fields.contains(name));
        if let Some(revision) = cursor.as_ref().and_then(|cursor| cursor.revision.as_deref()) {
            // All pages are of the state of the first one.
            arguments.insert(REVISION.into(), revision.into());
        }
        refuse_replacement(tool, &arguments)?;
        for (name, json) in tool.tool.by_default {
            let value = serde_json::from_str(json).unwrap_or_default();
            arguments.entry(*name).or_insert(value);
        }
        for (name, json) in tool.tool.fixed {
            let value = serde_json::from_str(json).unwrap_or_default();
            arguments.insert((*name).to_owned(), value);
        }
        if tool.tool.of_self {
            arguments.insert("by_actor".into(), agent.actor().into());
        }
        let store = agent.sign(&mcp.shared.store, session.as_deref())?;
        let target = requests::target(&mcp.options, store, project, branch);
        Ok(Self { target, agent, request: arguments, cursor, limit })
    }

    /// The revision of the state that the call reads.
    fn revision(&self, tool: &Described) -> Option<String> {
        if !tool.takes(REVISION) {
            return None;
        }
        let of_request = self.request.get(REVISION).and_then(Value::as_str);
        Some(of_request.unwrap_or(self.target.branch.as_str()).to_owned())
    }

    async fn require_rights(&self, mcp: &Mcp, tool: &Described) -> Result<()> {
        let above = self.request.get("above").and_then(Value::as_str);
        let revision = self.revision(tool);
        let pipeline = self.request.get("pipeline").map(Value::to_string);
        let text = |field: &str| self.request.get(field).and_then(Value::as_str);
        let default = &mcp.shared.options.branch;
        let made = rights::Made { name: text("branch"), from: text("from"), default };
        let asked = rights::Asked {
            branch: tool.tool.branch.map(|_| &self.target.branch),
            revision: revision.as_deref(),
            others: above.map(str::to_owned).into_iter().collect(),
            pipeline: pipeline.as_deref(),
            made: Some(made),
            ..rights::Asked::new(tool.operation, self.target.project.as_ref())
        };
        let checked = rights::check_operation(&mcp.shared, self.agent.who.as_ref(), &asked).await;
        checked.map_err(|error| denied(&error))
    }

    /// The whole result.
    async fn whole(self, mcp: &Mcp, operation: &'static Operation) -> Result<Vec<u8>> {
        let (request, output) = (Value::Object(self.request).to_string(), Whole::default());
        let run = requests::run(&mcp.shared, operation, &self.target, request, output);
        let (output, result) = run.await?;
        result?;
        Ok(output.into_json())
    }

    /// A page of a list: all pages are of one state.
    async fn page(mut self, mcp: &Mcp, tool: &Described) -> Result<Vec<u8>> {
        let hash = requests::of_pages(tool.tool.name, &self.request);
        let cursor = self.cursor.take();
        let mut state = None;
        if let Some(revision) = self.revision(tool) {
            let revision: Revision = revision.parse()?;
            let found = StatePlace::find(&self.target, &revision, cursor.as_ref()).await?;
            self.request.insert(REVISION.into(), found.revision.as_str().into());
            state = Some(found);
        }
        let cursor = Cursor::of_page(cursor.as_ref(), hash, state.as_ref())?;
        let room = self.limit.unwrap_or(PAGE).min(MOST_OF_PAGE);
        if tool.fields.contains(LIMIT) {
            self.request.insert(LIMIT.into(), cursor.most(room).into());
        }
        let output = Page::new(cursor.before, room, MOST_BYTES_OF_PAGE).within(MOST_BYTES);
        let request = Value::Object(self.request).to_string();
        let run = requests::run(&mcp.shared, tool.operation, &self.target, request, output);
        let (page, result) = run.await?;
        page.finish(result, cursor)
    }
}

/// A right that is missing.
fn denied(error: &CommandError) -> Failure {
    Error::denied(error.message()).into()
}

fn is_denied(failure: &Failure) -> bool {
    matches!(failure, Failure::Error { error, .. } if error.kind() == ErrorKind::Denied)
}

/// Cuts the lists of a result until it is short enough; whether it is.
fn shorten(result: &mut Value) -> bool {
    for most in [100, 20, 5, 0] {
        cut(result, most);
        if result.to_string().len() <= MOST_BYTES {
            return true;
        }
    }
    false
}

fn cut(value: &mut Value, most: usize) {
    match value {
        Value::Array(items) => {
            items.truncate(most);
            for item in items {
                cut(item, most);
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| cut(field, most)),
        _ => {}
    }
}

/// Refuses an update without operators, which would replace all of a document: an agent that forgets `$set` means
/// something else.
fn refuse_replacement(tool: &Described, arguments: &JsonObject) -> Result<()> {
    let update = arguments.get("update").and_then(Value::as_object);
    let plain = update.and_then(|update| update.keys().find(|name| !name.starts_with('$')));
    match plain.filter(|_| tool.operation.name == "document.update") {
        Some(name) => Err(Error::invalid(format!(
            "the update has the field '{name}' without an operator: give {{\"$set\": {{\"{name}\": …}}}}; \
             put_documents replaces documents"
        ))
        .into()),
        None => Ok(()),
    }
}
