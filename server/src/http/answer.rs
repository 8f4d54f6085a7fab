//! Runs the operation of a route.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use argon_core::model::{Actor, BranchName, ProjectName};
use argon_core::{Revision, State};
use argon_service::audit::Outcome;
use argon_service::operations::{Effect, Output, Request as Asking, Target};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedRwLockReadGuard, mpsc};

use super::asked::{Asked, LIMIT, parameters};
use super::login::Peer;
use super::prepared::Prepared;
use super::problem::Problem;
use super::repeated::Turn;
use super::reply::{self, LINES, Lines};
use super::{Http, MOST_BODY_BYTES, background};
use crate::audit::{By, Deed};
use crate::auth::Who;
use crate::computing::aside;
use crate::requests::{self, Cursor, Page, StatePlace, Whole};
use crate::rights;

/// The items of a page, by default and at most.
const PAGE: u64 = 100;
const MOST_OF_PAGE: u64 = 10_000;
/// A page that has more bytes takes no further item.
const MOST_BYTES_OF_PAGE: usize = 16 << 20;
/// How long a client may take for a body.
const PATIENCE: Duration = Duration::from_mins(1);
/// Why a condition is refused.
const NO_MATCH: &str = "the request takes no If-Match; requests that write documents do";
/// How many parts of a list wait to be sent.
const WAITING: usize = 4;
/// The header with the revision of the state that a reply is of.
const REVISION: &str = "argon-revision";

/// Answers a request.
pub(super) async fn answer(
    http: &Arc<Http>,
    route: &Arc<Prepared>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let has_body = !body.is_end_stream();
    // Whoever may do nothing sends no body either, and begins anew.
    let closing = |problem: Problem| if has_body { problem.closing() } else { problem };
    let who = http.logins.who(http, &head).await.map_err(closing)?;
    let answered = answer_to(http, route, &head, body, who.clone()).await;
    let answered = answered.map_err(|problem| match problem.status() {
        StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => closing(problem),
        _ => problem,
    });
    if let Err(problem) = &answered
        && problem.status() == StatusCode::FORBIDDEN
    {
        let path = parameters(route.route.path, head.uri.path()).unwrap_or_default();
        audit_refusal(http, &head, who.as_ref(), (route.operation.name, &path), problem);
    }
    answered
}

/// Records that a request was refused: what it wants, and the parameters of its path.
pub(super) fn audit_refusal(
    http: &Http,
    head: &Parts,
    who: Option<&Who>,
    (action, path): (&str, &BTreeMap<&'static str, String>),
    problem: &Problem,
) {
    let by = By { via: "http", who, client: Peer::of(head) };
    let (outcome, reason) = (Outcome::Refused, Some(problem.detail()));
    http.shared.audit(by, Deed { outcome, reason, ..Deed::of_path(action, path) });
}

/// Answers a request of a user.
async fn answer_to(
    http: &Arc<Http>,
    route: &Arc<Prepared>,
    head: &Parts,
    body: Body,
    who: Option<Who>,
) -> Result<Response, Problem> {
    let mut call = begin(http, route, head, who).await?;
    let body = read(body, MOST_BODY_BYTES).await?;
    call.asked.add_body(route, &call.headers, &body)?;
    // The body may name more.
    call.require_rights(true).await?;
    // A token is told once.
    let is_kept = call.route.operation.name != "token.create";
    let in_background =
        background::is_wanted(&call.headers) && !call.route.operation.is_list && is_kept;
    if call.route.operation.effect == Effect::Read {
        return if in_background { call.in_background(None) } else { call.read().await };
    }
    call.require_writes()?;
    let what = (&head.method, &head.uri, &body);
    let once = match http.repeated.turn(&call.headers, call.who.as_ref(), what)? {
        Turn::Run(once) => once.filter(|_| is_kept),
        Turn::Answered(response) => return Ok(response),
    };
    let writing = http.writing.clone().read_owned().await;
    if in_background {
        let begun = call.in_background(Some(writing));
        return match once {
            Some(once) => once.keep(begun).await,
            None => begun,
        };
    }
    // What has begun runs to its end, whether or not the client waits for it.
    let written = tokio::spawn(async move {
        let _writing = writing;
        let response = call.write().await;
        match once {
            Some(once) => once.keep(response).await,
            None => response,
        }
    });
    written.await.map_err(|_| {
        let detail = "the server failed within this request; its log says where";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })?
}

/// What a request asks for before its body, if the user may ask for it.
async fn begin(
    http: &Arc<Http>,
    route: &Arc<Prepared>,
    head: &Parts,
    who: Option<Who>,
) -> Result<Call, Problem> {
    let query = head.uri.query().unwrap_or_default();
    let mut asked = Asked::new(route, head.uri.path(), query)?;
    let cursor = asked.cursor.as_deref().map(Cursor::parse).transpose()?;
    if let Some(revision) = cursor.as_ref().and_then(|cursor| cursor.revision.clone()) {
        if !route.is_of_state() {
            return Err(Problem::bad_request("'cursor' is of another request"));
        }
        asked.path.insert("revision", revision);
    }
    let (http, route, headers) = (http.clone(), route.clone(), head.headers.clone());
    let mut target = target(&http, &route, &asked, who.as_ref())?;
    if !route.is_of_project() {
        target.sees = rights::visible(&http.shared, who.as_ref()).await?;
    }
    let client = Peer::of(head);
    let call = Call { http, route, target, headers, asked, cursor, who, client };
    call.require_rights(false).await?;
    Ok(call)
}

/// Reads a body of so many bytes at most.
pub(super) async fn read(body: Body, most: usize) -> Result<Bytes, Problem> {
    let body = axum::body::to_bytes(body, most);
    let body = tokio::time::timeout(PATIENCE, body).await.map_err(|_| {
        let detail = format!("the body did not come within {} s", PATIENCE.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    })?;
    body.map_err(|_| {
        let detail = format!("the body has more than {most} bytes, or was cut off");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })
}

/// A request of an operation.
struct Call {
    http: Arc<Http>,
    route: Arc<Prepared>,
    target: Target,
    headers: HeaderMap,
    asked: Asked,
    cursor: Option<Cursor>,
    who: Option<Who>,
    client: Option<SocketAddr>,
}

/// What a request works on.
fn target(
    http: &Http,
    route: &Prepared,
    asked: &Asked,
    who: Option<&Who>,
) -> Result<Target, Problem> {
    let project = asked.path.get("project").filter(|_| route.is_of_project());
    let project = project.map(ProjectName::new).transpose()?;
    let branch = match asked.path.get("branch") {
        Some(branch) => BranchName::new(branch)?,
        None => http.shared.options.branch.clone(),
    };
    target_of(http, project, branch, who)
}

/// A project and a branch, whose changes are signed by the user.
pub(super) fn target_of(
    http: &Http,
    project: Option<ProjectName>,
    branch: BranchName,
    who: Option<&Who>,
) -> Result<Target, Problem> {
    let mut store = http.shared.store.clone();
    if let Some(who) = who {
        store = store.session(Actor::new(who.name.to_string())?);
    }
    Ok(requests::target(&http.options, store, project, branch))
}

impl Call {
    /// Begins a request, and answers before it is done; one that writes holds the lock of writes.
    fn in_background(
        mut self,
        writing: Option<OwnedRwLockReadGuard<()>>,
    ) -> Result<Response, Problem> {
        let http = self.http.clone();
        let project = self.target.project.as_ref().map(ToString::to_string);
        let name = self.route.operation.name;
        let begun = http.background.begin(&http, self.who.as_ref(), name, project)?;
        self.target.watcher = begun.watcher();
        Ok(begun.run(async move {
            match &writing {
                Some(_) => self.write().await,
                None => self.read().await,
            }
        }))
    }

    /// Answers a request that changes nothing. It ends with its client.
    async fn read(mut self) -> Result<Response, Problem> {
        if self.headers.contains_key(header::IF_MATCH) {
            return Err(Problem::bad_request(NO_MATCH));
        }
        let mut of_state = None;
        if self.route.is_of_state() {
            let named: Revision = self.asked.path["revision"].parse()?;
            let state = StatePlace::find(&self.target, &named, self.cursor.as_ref()).await?;
            let exact = state.revision.as_str();
            self.asked.set("revision", serde_json::Value::from(exact).to_string());
            let tag = tag(&state.state).await?;
            if self.has_seen(&tag) {
                return Ok(self.with_state(StatusCode::NOT_MODIFIED.into_response(), exact, &tag));
            }
            of_state = Some((state, tag));
        }
        let response = if self.route.operation.is_list {
            self.list(of_state.as_ref().map(|(state, _)| state)).await?
        } else {
            reply::json(StatusCode::OK, self.whole().await?)
        };
        Ok(match of_state {
            Some((state, tag)) => self.with_state(response, &state.revision, &tag),
            None => response,
        })
    }

    /// Answers a request that may change something.
    async fn write(mut self) -> Result<Response, Problem> {
        let written = self.written().await;
        let (outcome, reason) = match &written {
            Ok(_) => (Outcome::Done, None),
            // That is recorded where all refusals are.
            Err(problem) if problem.status() == StatusCode::FORBIDDEN => return written,
            Err(problem) => (Outcome::Failed, Some(problem.detail())),
        };
        let by = By { via: "http", who: self.who.as_ref(), client: self.client };
        let action = self.route.operation.name;
        let deed = Deed { outcome, reason, ..Deed::of_path(action, &self.asked.path) };
        self.http.shared.audit(by, deed);
        written
    }

    async fn written(&mut self) -> Result<Response, Problem> {
        let has_condition = self.require_match().await? || self.require_absent()?;
        let result = self.whole().await;
        requests::forget(&self.http.shared, self.route.operation);
        match result {
            Ok(json) if self.route.route.creates => Ok(reply::json(StatusCode::CREATED, json)),
            Ok(json) => Ok(reply::json(StatusCode::OK, json)),
            Err(problem) if has_condition && problem.is_of_condition() => {
                Err(problem.with_status(StatusCode::PRECONDITION_FAILED))
            }
            Err(problem) => Err(problem),
        }
    }

    /// Refuses what a server without writes does not do, and signatures of others.
    fn require_writes(&self) -> Result<(), Problem> {
        if self.http.shared.options.read_only {
            let detail = "the server takes no writes: it was started with --read-only";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        let signs = self.asked.field("actor").is_some_and(|actor| actor != "null");
        if self.who.is_some() && signs {
            let detail = "what a user does is signed by the user: leave 'actor' out";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        Ok(())
    }

    /// The whole result.
    async fn whole(&mut self) -> Result<Vec<u8>, Problem> {
        let output = self.run(Whole::default()).await?;
        output.1?;
        Ok(output.0.into_json())
    }

    /// A list: a page of it, or all of it line by line, as the client accepts.
    async fn list(&mut self, state: Option<&StatePlace>) -> Result<Response, Problem> {
        let accepted = self.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let wants_lines = accepted.is_some_and(|accept| accept.contains(LINES));
        if wants_lines && self.cursor.is_none() {
            return self.lines().await;
        }
        let request = self.asked.of_pages(self.route.operation.name);
        let cursor = Cursor::of_page(self.cursor.as_ref(), request, state)?;
        let of_request = self.asked.take(LIMIT).filter(|limit| limit != "null");
        let limit = match of_request.as_ref().or(self.asked.limit.as_ref()) {
            Some(limit) => limit.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| {
                Problem::bad_request(format!("'limit' should be 1 or more, and is {limit}"))
            })?,
            None => PAGE,
        };
        let room = limit.min(MOST_OF_PAGE);
        if self.route.fields.contains_key(LIMIT) {
            self.asked.set(LIMIT, cursor.most(room).to_string());
        }
        let (page, result) = self.run(Page::new(cursor.before, room, MOST_BYTES_OF_PAGE)).await?;
        Ok(reply::json(StatusCode::OK, page.finish(result, cursor)?))
    }

    async fn lines(&mut self) -> Result<Response, Problem> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (operation, request) = (self.route.operation, Asking::Json(self.asked.request()));
        let (target, shared) = (self.target.clone(), self.http.shared.clone());
        tokio::spawn(async move {
            let _permit = shared.computing.acquire().await;
            let gone = sender.clone();
            let run = aside(async move {
                let mut output = Lines::new(sender);
                let result = operation.run(&target, &request, &mut output).await;
                output.finish(result).await;
            });
            // It ends when the client goes away.
            tokio::select! {
                _ = run => {}
                () = gone.closed() => {}
            }
        });
        reply::stream(receiver, LINES).await
    }

    async fn run<O: Output + 'static>(
        &self,
        output: O,
    ) -> Result<(O, argon_service::Result<()>), Problem> {
        let (shared, request) = (&self.http.shared, self.asked.request());
        Ok(requests::run(shared, self.route.operation, &self.target, request, output).await?)
    }

    /// Checks the rights; those that depend on the body, once it is there.
    async fn require_rights(&self, is_whole: bool) -> Result<(), Problem> {
        let text = |field: &str| serde_json::from_str::<String>(self.asked.field(field)?).ok();
        let (name, from) = (text("branch"), text("from"));
        let default = &self.http.shared.options.branch;
        let made = rights::Made { name: name.as_deref(), from: from.as_deref(), default };
        let named = rights::Asked {
            operation: self.route.operation,
            project: self.target.project.as_ref(),
            branch: self.asked.path.get("branch").map(|_| &self.target.branch),
            revision: self.asked.path.get("revision").map(String::as_str),
            others: text("above").into_iter().collect(),
            pipeline: self.asked.field("pipeline"),
            made: is_whole.then_some(made),
            named_project: if self.route.is_of_project()
                || self.route.operation.effect == Effect::Read
            {
                None
            } else {
                text("project")
            },
            // Where a user is known elsewhere, that is another one.
            user: text("user").filter(|_| text("database").is_none_or(|of| of == "admin")),
            token: text("token"),
        };
        Ok(rights::check_operation(&self.http.shared, self.who.as_ref(), &named).await?)
    }

    /// Takes up the condition of a write: the position that was read, or the tag of a reply, which has the digest too.
    /// Whether there is one.
    async fn require_match(&mut self) -> Result<bool, Problem> {
        let Some(condition) = self.headers.get(header::IF_MATCH) else { return Ok(false) };
        let text = condition.to_str().unwrap_or_default().trim();
        let bare = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
        let (lsn, digest) =
            bare.split_once('-').map_or((bare, None), |(lsn, tag)| (lsn, Some(tag)));
        let lsn = lsn.parse::<u64>().map_err(|_| {
            Problem::bad_request(format!(
                "'If-Match: {text}' should be the ETag of a state that was read, or its position, such as \"1234\""
            ))
        })?;
        if !self.route.fields.contains_key("if_lsn") {
            return Err(Problem::bad_request(NO_MATCH));
        }
        if self.asked.field("if_lsn").is_some() {
            return Err(Problem::bad_request("give either If-Match or 'if_lsn'"));
        }
        // That it exists, so that what is missing below is the position.
        self.target.branch().await?;
        let revision: Revision = format!("{}@{lsn}", self.target.branch).parse()?;
        let is_same = match (self.target.exact(&revision).await, digest) {
            (Ok((state, _)), Some(_)) => tag(&state).await?.contains(bare),
            (state, _) => state.is_ok(),
        };
        if !is_same {
            let detail = format!(
                "branch '{}' has no such state any more, or not yet: read it again",
                self.target.branch
            );
            return Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail));
        }
        self.asked.set("if_lsn", lsn.to_string());
        Ok(true)
    }

    /// Takes up the condition that a document is not there yet: `If-None-Match: *`. Whether there is one.
    fn require_absent(&mut self) -> Result<bool, Problem> {
        let Some(condition) = self.headers.get(header::IF_NONE_MATCH) else { return Ok(false) };
        if condition != "*" || !self.route.fields.contains_key("if_absent") {
            let detail = "the request takes no If-None-Match; requests that put documents take *";
            return Err(Problem::bad_request(detail));
        }
        self.asked.set("if_absent", "true".to_owned());
        Ok(true)
    }

    /// Whether the client has the reply already.
    fn has_seen(&self, tag: &str) -> bool {
        let seen = self.headers.get_all(header::IF_NONE_MATCH).iter();
        let mut seen = seen.filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
        self.route.has_tag() && seen.any(|seen| seen.trim() == tag)
    }

    /// Says which state a reply is of.
    fn with_state(&self, mut response: Response, revision: &str, tag: &str) -> Response {
        let headers = response.headers_mut();
        // Names of branches have letters that headers don't take.
        let revision = percent_encoding::utf8_percent_encode(revision, percent_encoding::CONTROLS);
        if let Ok(revision) = HeaderValue::try_from(revision.to_string()) {
            headers.insert(REVISION, revision);
        }
        if let Ok(tag) = HeaderValue::try_from(tag)
            && self.route.has_tag()
        {
            headers.insert(header::ETAG, tag);
            headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
        }
        response
    }
}

/// The tag of a state: its position, and the beginning of the digest of what it shows.
async fn tag(state: &State) -> Result<String, Problem> {
    Ok(format!("W/\"{}-{}\"", state.lsn(), state.shown_digest().await?.short()))
}
