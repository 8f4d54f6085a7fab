//! The commits of a branch as events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use argon_core::model::{BranchName, Lsn, ProjectName};
use argon_core::watch::WatchFrom;
use argon_service::operations::{Operation, Request as Asking, Target};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};

use super::problem::Problem;
use super::reply::Page;
use super::{Http, answer};
use crate::rights;

/// The path.
pub(super) const PATH: &str = "/v1/projects/{project}/branches/{branch}/changes";

/// The header with the last event that a client has seen.
const LAST: &str = "last-event-id";

/// How often a client hears that nothing has happened.
const IDLE: Duration = Duration::from_secs(15);

/// Sends each commit of a branch as an event: its position is the `id`, and its data what `show` gives. It begins after
/// the position in `Last-Event-ID`, or with the next commit.
pub(super) async fn changes(State(http): State<Arc<Http>>, request: Request) -> Response {
    match events(&http, request).await {
        Ok(events) => {
            let alive = KeepAlive::new().interval(IDLE);
            Sse::new(events.take_until(stopped(http))).keep_alive(alive).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn stopped(http: Arc<Http>) {
    http.shared.stopping().wait().await;
}

async fn events(
    http: &Arc<Http>,
    request: Request,
) -> Result<impl Stream<Item = Result<Event, Infallible>> + Send + use<>, Problem> {
    let (head, _) = request.into_parts();
    let who = http.logins.who(http, &head).await?;
    let (project, branch) = names(head.uri.path())?;
    let show = Operation::named("show")?;
    let asked = rights::Asked {
        operation: show,
        project: Some(&project),
        branch: Some(&branch),
        revision: Some(branch.as_str()),
        pipeline: None,
    };
    rights::check_operation(&http.shared, who.as_ref(), &asked)
        .await
        .map_err(|error| Problem::new(axum::http::StatusCode::FORBIDDEN, error.message()))?;
    let target = answer::target_of(http, Some(project), branch.clone(), who.as_ref())?;
    let watched = target.branch().await?;
    let commits = watched.watch(from(&head.headers)?).await?;
    let state = (commits, target, branch, false);
    Ok(stream::unfold(state, async |(mut commits, target, branch, has_ended)| {
        if has_ended {
            return None;
        }
        let (event, has_ended) = match commits.next().await? {
            Ok(commit) => {
                let lsn = commit.meta.lsn;
                match shown(&target, &branch, lsn).await {
                    Ok(data) => {
                        (Event::default().id(lsn.to_string()).event("commit").data(data), false)
                    }
                    Err(problem) => (problem.event(), true),
                }
            }
            Err(error) => (Problem::from(error).event(), true),
        };
        Some((Ok(event), (commits, target, branch, has_ended)))
    }))
}

/// The project and the branch of a path.
fn names(path: &str) -> Result<(ProjectName, BranchName), Problem> {
    let mut parts = path
        .split('/')
        .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned());
    let project = parts.nth(3).unwrap_or_default();
    let branch = parts.nth(1).unwrap_or_default();
    Ok((ProjectName::new(project)?, BranchName::new(branch)?))
}

/// Where a client goes on.
fn from(headers: &HeaderMap) -> Result<WatchFrom, Problem> {
    let Some(last) = headers.get(LAST) else { return Ok(WatchFrom::Head) };
    let last = last.to_str().unwrap_or_default();
    match last.parse() {
        Ok(lsn) => Ok(WatchFrom::Lsn(Lsn::new(lsn))),
        Err(_) => Err(Problem::bad_request(format!(
            "'Last-Event-ID: {last}' should be the id of an event: the position of a commit"
        ))),
    }
}

/// A commit, as JSON.
async fn shown(target: &Target, branch: &BranchName, lsn: Lsn) -> Result<String, Problem> {
    let request = serde_json::json!({ "revision": format!("{branch}@{lsn}") }).to_string();
    let mut items = Page::new(0, u64::MAX);
    Operation::named("show")?.run(target, &Asking::Json(request), &mut items).await?;
    Ok(String::from_utf8(items.into_items()).unwrap_or_default())
}
