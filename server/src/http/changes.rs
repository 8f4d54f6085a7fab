//! The commits of a branch as events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use argon_core::model::{BranchName, Lsn, Point, ProjectName, TimelineId};
use argon_core::watch::{WatchFrom, WatchStream};
use argon_service::operations::{Operation, Request as Asking, Target};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::asked::{Asked, parameters};
use super::problem::Problem;
use super::{Http, answer};
use crate::auth::Who;
use crate::requests::{Cursor, Page};
use crate::rights;

/// The most items of a commit in an event.
const MOST_ITEMS: u64 = 1_000;

/// The path.
pub(super) const PATH: &str = "/v1/projects/{project}/branches/{branch}/changes";

/// The header with the last event that a client has seen.
const LAST: &str = "last-event-id";

/// How often a client hears that nothing has happened.
const IDLE: Duration = Duration::from_secs(15);

/// Sends each commit of a branch as an event: its data is the page that `show` gives. It begins after the event in
/// `Last-Event-ID`, or with the next commit.
pub(super) async fn changes(
    State(http): State<Arc<Http>>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    let events = events(&http, request).await?.take_until(http.stopped());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(IDLE)))
}

/// A client that follows a branch.
struct Following {
    reader: Arc<Reader>,
    commits: WatchStream,
    has_ended: bool,
    _place: OwnedSemaphorePermit,
}

/// What reads the commits.
struct Reader {
    http: Arc<Http>,
    who: Option<Who>,
    target: Target,
}

async fn events(
    http: &Arc<Http>,
    request: Request,
) -> Result<impl Stream<Item = Result<Event, Infallible>> + Send + use<>, Problem> {
    let (head, _) = request.into_parts();
    let who = http.logins.who(http, &head).await?;
    let place = http.following.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many clients follow branches; try again later",
        )
    })?;
    let named = parameters(PATH, head.uri.path())?;
    let project = Some(ProjectName::new(&named["project"])?);
    let branch = BranchName::new(&named["branch"])?;
    let target = answer::target_of(http, project, branch, who.as_ref())?;
    if let Err(problem) = require_right(http, who.as_ref(), &target).await {
        let what = ("branch.changes", &named);
        answer::audit_refusal(http, &head, who.as_ref(), what, &problem);
        return Err(problem);
    }
    let commits = target.branch().await?.watch(from(&head.headers)?).await?;
    let reader = Arc::new(Reader { http: http.clone(), who, target });
    let following = Following { reader, commits, has_ended: false, _place: place };
    Ok(stream::unfold(following, async |mut following| {
        let event = following.next().await?;
        Some((Ok(event), following))
    }))
}

/// Checks that a user may read the branch.
async fn require_right(http: &Http, who: Option<&Who>, target: &Target) -> Result<(), Problem> {
    let mut asked = rights::Asked::new(Operation::named("show")?, target.project.as_ref());
    (asked.branch, asked.revision) = (Some(&target.branch), Some(target.branch.as_str()));
    Ok(rights::check_operation(&http.shared, who, &asked).await?)
}

impl Following {
    /// The next event; `None` after the last one.
    async fn next(&mut self) -> Option<Event> {
        if self.has_ended {
            return None;
        }
        let event = match self.commits.next().await? {
            Ok(commit) => self.reader.clone().event(commit.point).await,
            Err(error) => Err(Problem::from(error)),
        };
        Some(event.unwrap_or_else(|problem| {
            self.has_ended = true;
            problem.event()
        }))
    }
}

impl Reader {
    async fn event(self: Arc<Self>, point: Point) -> Result<Event, Problem> {
        // The user may have lost the right since.
        require_right(&self.http, self.who.as_ref(), &self.target).await?;
        let revision = format!("{}@{}", self.target.branch, point.lsn);
        let (state, _) = self.target.exact(&revision.parse()?).await?;
        if state.view().point() != Some(point) {
            let detail = format!("branch '{}' was reset while it was followed", self.target.branch);
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        let request = serde_json::json!({ "revision": revision }).to_string();
        let mut page = Page::new(0, MOST_ITEMS, usize::MAX);
        let shown = Operation::named("show")?;
        let result = shown.run(&self.target, &Asking::Json(request), &mut page).await;
        let timeline = Some(point.timeline.to_string());
        let mut asked = Asked::default();
        asked.set("revision", serde_json::Value::from(revision.as_str()).to_string());
        let request = asked.of_pages("show");
        let cursor = Cursor { revision: Some(revision), timeline, request, before: 0 };
        let data = String::from_utf8(page.finish(result, cursor)?).unwrap_or_default();
        let id = format!("{}-{}", point.lsn, point.timeline);
        Ok(Event::default().id(id).event("commit").data(data))
    }
}

/// Where a client goes on: after the `id` of an event, or after a position.
fn from(headers: &HeaderMap) -> Result<WatchFrom, Problem> {
    let Some(last) = headers.get(LAST) else { return Ok(WatchFrom::Head) };
    let last = last.to_str().unwrap_or_default();
    let malformed = || {
        Problem::bad_request(format!(
            "'Last-Event-ID: {last}' should be the id of an event, or the position of a commit"
        ))
    };
    let (lsn, timeline) = last.split_once('-').map_or((last, None), |(lsn, of)| (lsn, Some(of)));
    let lsn = Lsn::new(lsn.parse().map_err(|_| malformed())?);
    let Some(timeline) = timeline else { return Ok(WatchFrom::Lsn(lsn)) };
    let timeline: TimelineId = timeline.parse().map_err(|_| malformed())?;
    Ok(WatchFrom::Point(Point { timeline, lsn }))
}
