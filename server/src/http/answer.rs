//! Runs the operation of a route.

use std::sync::Arc;

use argon_core::Revision;
use argon_core::model::{Actor, BranchName, ProjectName};
use argon_service::OpenStore;
use argon_service::config::Config;
use argon_service::operations::{Effect, Operation, Output, Request as Asking, Scope, Target};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;

use super::asked::Asked;
use super::cursor::Cursor;
use super::prepared::Prepared;
use super::problem::Problem;
use super::repeated::Turn;
use super::reply::{self, LINES, Lines, Page, Whole};
use super::{Http, MOST_BODY_BYTES};
use crate::auth::Who;
use crate::computing::aside;
use crate::rights;

/// The items of a page, by default and at most.
const PAGE: u64 = 100;
const MOST_OF_PAGE: u64 = 10_000;
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
    let who = http.logins.who(http, &head).await?;
    let body = axum::body::to_bytes(body, MOST_BODY_BYTES).await.map_err(|_| {
        let detail = format!("the body has more than {MOST_BODY_BYTES} bytes, or was cut off");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    let query = head.uri.query().unwrap_or_default();
    let asked = Asked::new(route, head.uri.path(), query, &head.headers, &body)?;
    let call = Call {
        http: http.clone(),
        route: route.clone(),
        target: target(http, route, &asked, who.as_ref())?,
        headers: head.headers,
        asked,
        who,
    };
    if head.method == Method::GET || head.method == Method::HEAD {
        return call.read().await;
    }
    let what = (&head.method, &head.uri, &body);
    let once = match http.repeated.turn(&call.headers, call.who.as_ref(), what)? {
        Turn::Run(once) => once,
        Turn::Answered(response) => return Ok(response),
    };
    // What has begun runs to its end, whether or not the client waits for it.
    let written = tokio::spawn(async move {
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

/// A request of an operation.
struct Call {
    http: Arc<Http>,
    route: Arc<Prepared>,
    target: Target,
    headers: HeaderMap,
    asked: Asked,
    who: Option<Who>,
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
    let place = http.options.place.clone();
    let opened = OpenStore { store, place, config: Config::default(), config_file: None };
    let settings = http.options.settings.clone();
    Ok(Target { settings, ..Target::new(opened, project, branch) })
}

impl Call {
    /// Answers a request that changes nothing.
    async fn read(mut self) -> Result<Response, Problem> {
        self.require_rights().await?;
        let cursor = self.asked.cursor.as_deref().map(Cursor::parse).transpose()?;
        let mut revision = None;
        if self.route.is_of_state() {
            let named = cursor.as_ref().and_then(|cursor| cursor.revision.clone());
            let named = named.unwrap_or_else(|| self.asked.path["revision"].clone());
            let (state, exact) = self.target.exact(&named.parse::<Revision>()?).await?;
            let tag = format!("W/\"{}\"", state.last_digest().await?);
            self.asked.set("revision", serde_json::Value::from(exact.as_str()).to_string());
            if self.has_seen(&tag) {
                return Ok(with_state(StatusCode::NOT_MODIFIED.into_response(), &exact, &tag));
            }
            revision = Some((exact, tag));
        }
        let exact = revision.as_ref().map(|(exact, _)| exact.clone());
        let response = if self.route.operation.is_list {
            self.list(cursor, exact).await?
        } else {
            reply::json(StatusCode::OK, self.whole().await?)
        };
        Ok(match revision {
            Some((exact, tag)) => with_state(response, &exact, &tag),
            None => response,
        })
    }

    /// Answers a request that may change something.
    async fn write(mut self) -> Result<Response, Problem> {
        if self.route.operation.effect != Effect::Read && self.http.shared.options.read_only {
            let detail = "the server takes no writes: it was started with --read-only";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        self.require_rights().await?;
        if self.route.operation.is_list {
            return self.read_by_post().await;
        }
        let has_condition = self.require_match()?;
        let result = self.whole().await;
        let shared = &self.http.shared;
        if self.route.operation.scope != Scope::Branch {
            // A branch may have been deleted or renamed, a user changed.
            shared.places.forget_all();
            shared.users.forget();
        }
        shared.clock.tick(shared.store.environment());
        match result {
            Ok(json) if self.route.route.creates => Ok(reply::json(StatusCode::CREATED, json)),
            Ok(json) => Ok(reply::json(StatusCode::OK, json)),
            Err(problem) if has_condition && problem.status() == StatusCode::CONFLICT => {
                Err(problem.with_status(StatusCode::PRECONDITION_FAILED))
            }
            Err(problem) => Err(problem),
        }
    }

    /// Answers a request for a list whose fields are in the body.
    async fn read_by_post(mut self) -> Result<Response, Problem> {
        let cursor = self.asked.cursor.as_deref().map(Cursor::parse).transpose()?;
        let named = cursor.as_ref().and_then(|cursor| cursor.revision.clone());
        let named = named.or_else(|| self.asked.path.get("revision").cloned());
        let Some(named) = named else { return self.list(cursor, None).await };
        let (state, exact) = self.target.exact(&named.parse::<Revision>()?).await?;
        let tag = format!("W/\"{}\"", state.last_digest().await?);
        self.asked.set("revision", serde_json::Value::from(exact.as_str()).to_string());
        let response = self.list(cursor, Some(exact.clone())).await?;
        Ok(with_state(response, &exact, &tag))
    }

    /// The whole result.
    async fn whole(&mut self) -> Result<Vec<u8>, Problem> {
        let output = self.run(Whole::default()).await?;
        output.1?;
        Ok(output.0.into_json())
    }

    /// A list: a page of it, or all of it line by line, as the client accepts.
    async fn list(
        &mut self,
        cursor: Option<Cursor>,
        revision: Option<String>,
    ) -> Result<Response, Problem> {
        let accepted = self.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let wants_lines = accepted.is_some_and(|accept| accept.contains(LINES));
        if wants_lines && cursor.is_none() {
            return self.lines().await;
        }
        let before = cursor.map_or(0, |cursor| cursor.before);
        let limit = self.asked.take("limit").filter(|limit| limit != "null");
        let limit = match &limit {
            Some(limit) => limit.parse::<u64>().map_err(|_| {
                Problem::bad_request(format!("'limit' should be a whole number, and is {limit}"))
            })?,
            None => PAGE,
        };
        let room = limit.clamp(1, MOST_OF_PAGE);
        if self.route.fields.contains_key("limit") {
            let most = before.saturating_add(room).saturating_add(1);
            self.asked.set("limit", most.min(i64::MAX.unsigned_abs()).to_string());
        }
        let (page, result) = self.run(Page::new(before, room)).await?;
        let next = page.has_next();
        if !next {
            result?;
        }
        let next = next.then(|| Cursor { revision, before: before + room }.text());
        Ok(reply::json(StatusCode::OK, page.finish(next.as_deref())))
    }

    async fn lines(&mut self) -> Result<Response, Problem> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (operation, request) = (self.route.operation, Asking::Json(self.asked.request()));
        let target = self.target.clone();
        // It ends when the client goes away: nobody takes its lines then.
        tokio::spawn(aside(async move {
            let mut output = Lines::new(sender);
            let result = operation.run(&target, &request, &mut output).await;
            output.finish(result).await;
        }));
        reply::lines(receiver).await
    }

    /// Runs the operation. A read ends with its client.
    async fn run<O: Output + 'static>(
        &self,
        mut output: O,
    ) -> Result<(O, argon_service::Result<()>), Problem> {
        let _permit = self.http.shared.computing.acquire().await;
        let (operation, request): (&'static Operation, _) =
            (self.route.operation, Asking::Json(self.asked.request()));
        let target = self.target.clone();
        let run = aside(async move {
            let result = operation.run(&target, &request, &mut output).await;
            (output, result)
        });
        run.await.ok_or_else(|| {
            let detail = "the server failed within this request; its log says where";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
        })
    }

    async fn require_rights(&self) -> Result<(), Problem> {
        if !self.http.shared.options.auth {
            return Ok(());
        }
        let named = rights::Asked {
            operation: self.route.operation,
            project: self.target.project.as_ref(),
            branch: self.asked.path.get("branch").map(|_| &self.target.branch),
            revision: self.asked.path.get("revision").map(String::as_str),
            pipeline: self.asked.field("pipeline"),
        };
        rights::check_operation(&self.http.shared, self.who.as_ref(), &named)
            .await
            .map_err(|error| Problem::new(StatusCode::FORBIDDEN, error.message()))
    }

    /// Takes up the condition of a write. Whether there is one.
    fn require_match(&mut self) -> Result<bool, Problem> {
        let Some(condition) = self.headers.get(header::IF_MATCH) else { return Ok(false) };
        let text = condition.to_str().unwrap_or_default();
        let lsn = text.trim().trim_matches('"').parse::<u64>().map_err(|_| {
            Problem::bad_request(format!(
                "'If-Match: {text}' should be the position of a state that was read, such as \"1234\""
            ))
        })?;
        if !self.route.fields.contains_key("if_lsn") {
            let detail = "the request takes no If-Match; requests that write documents do";
            return Err(Problem::bad_request(detail));
        }
        self.asked.set("if_lsn", lsn.to_string());
        Ok(true)
    }

    /// Whether the client has the reply already.
    fn has_seen(&self, tag: &str) -> bool {
        let seen = self.headers.get_all(header::IF_NONE_MATCH).iter();
        let mut seen = seen.filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
        seen.any(|seen| matches!(seen.trim(), "*") || seen.trim() == tag)
    }
}

/// Says which state a reply is of.
fn with_state(mut response: Response<Body>, revision: &str, tag: &str) -> Response {
    let headers = response.headers_mut();
    // Names of branches have letters that headers don't take.
    let revision = percent_encoding::utf8_percent_encode(revision, percent_encoding::CONTROLS);
    if let (Ok(revision), Ok(tag)) =
        (HeaderValue::try_from(revision.to_string()), HeaderValue::try_from(tag))
    {
        headers.insert(REVISION, revision);
        headers.insert(header::ETAG, tag);
        headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    }
    response
}
