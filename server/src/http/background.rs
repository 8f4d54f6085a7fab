//! Requests that run while their clients do something else: `Prefer: respond-async` (RFC 7240).
//!
//! The reply is 202, and `Location` says where the progress is, as JSON or as events, and in the end the result.
//! `DELETE` there ends the work as soon as it can: what it commits until then stays, and what it began is left as after
//! a crash, which harms nothing. The server remembers what has ended for an hour.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_service::Watcher;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bson::DateTime;
use data_encoding::HEXLOWER;
use futures::{Stream, StreamExt, stream};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Http;
use super::asked::parameters;
use super::problem::Problem;
use crate::auth::Who;

/// Where all of them are, each one, and its events.
pub(super) const ALL: &str = "/v1/operations";
pub(super) const ONE: &str = "/v1/operations/{operation}";
pub(super) const EVENTS: &str = "/v1/operations/{operation}/events";

const PREFER: &str = "prefer";
const ASYNC: &str = "respond-async";
/// How long one that has ended is remembered, and the most that are.
const KEPT: Duration = Duration::from_hours(1);
const MOST: usize = 256;
/// The most bytes of a result that is remembered.
const MOST_RESULT_BYTES: usize = 256 * 1024;
/// The most that run at one time, of all users and of one.
const MOST_RUNNING: usize = 64;
const MOST_OF_USER: usize = 16;
/// The last reports and notes that are kept.
const MOST_WORDS: usize = 100;
/// How often events tell of progress at most.
const PACE: Duration = Duration::from_millis(200);

/// A request that runs, or has ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct BackgroundOperation {
    /// Its name in the path.
    id: String,
    /// The operation.
    operation: &'static str,
    /// The project; null for an operation on the store.
    project: Option<String>,
    /// The user who sent it; null if nobody has to log in.
    user: Option<String>,
    /// When it began.
    #[schemars(with = "String")]
    began: String,
    /// Whether it runs, or how it has ended.
    state: BackgroundState,
    /// What it works on now.
    part: Option<String>,
    /// The units that it has done: bytes, documents or commits.
    done: u64,
    /// The last steps that it has done, and what else is to be known.
    reports: VecDeque<String>,
    /// The status of the reply, once it has ended.
    status: Option<u16>,
    /// The result, or the problem.
    #[schemars(with = "serde_json::Value")]
    result: Option<Box<RawValue>>,
}

/// Whether an operation runs, or how it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BackgroundState {
    /// It runs.
    Running,
    /// It is done.
    Done,
    /// It has failed.
    Failed,
    /// It was ended.
    Cancelled,
}

/// Those of a server.
#[derive(Default)]
pub(super) struct Background(Mutex<BTreeMap<String, Arc<Task>>>);

struct Task {
    who: Option<Who>,
    /// Tells of each change.
    shown: watch::Sender<BackgroundOperation>,
    ended: Mutex<Option<Instant>>,
    cancel: watch::Sender<bool>,
}

/// Follows the operation of a task.
struct Progress(Arc<Task>);

impl Watcher for Progress {
    fn begins(&self, part: &str) {
        self.0.shown.send_modify(|shown| shown.part = Some(part.to_owned()));
    }

    fn advances(&self, units: u64) {
        self.0.shown.send_modify(|shown| shown.done += units);
    }

    fn reports(&self, words: &str) {
        self.0.report(words);
    }

    fn notes(&self, note: &str) {
        self.reports(note);
    }
}

/// Whether a client wants to be answered before its request is done.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let wishes = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut wishes = wishes.flat_map(|wishes| wishes.split(','));
    wishes.any(|wish| wish.trim().eq_ignore_ascii_case(ASYNC))
}

/// A request that is about to run: what follows it, and where its reply goes.
pub(super) struct Begun {
    task: Arc<Task>,
}

impl Background {
    /// Takes up a request.
    pub(super) fn begin(
        &self,
        http: &Http,
        who: Option<&Who>,
        operation: &'static str,
        project: Option<String>,
    ) -> Result<Begun, Problem> {
        let environment = http.shared.store.environment();
        let id = HEXLOWER.encode(&environment.random::<16>());
        let began = environment.now();
        let shown = BackgroundOperation {
            id: id.clone(),
            operation,
            project,
            user: who.map(|who| who.name.to_string()),
            began: time(began),
            state: BackgroundState::Running,
            part: None,
            done: 0,
            reports: VecDeque::new(),
            status: None,
            result: None,
        };
        let task = Arc::new(Task {
            who: who.cloned(),
            shown: watch::Sender::new(shown),
            ended: Mutex::new(None),
            cancel: watch::Sender::new(false),
        });
        let mut all = self.all();
        let running = || all.values().filter(|task| task.ended().is_none());
        let own = running().filter(|task| task.who.as_ref() == who).count();
        let running = running().count();
        if running >= MOST_RUNNING || own >= MOST_OF_USER {
            let detail = format!("{running} operations run already; try again later");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
        if all.len() >= MOST {
            let oldest =
                all.iter().filter_map(|(id, task)| Some((task.ended()?, id.clone()))).min();
            if let Some((_, oldest)) = oldest {
                all.remove(&oldest);
            }
        }
        all.insert(id, task.clone());
        Ok(Begun { task })
    }

    /// Forgets what has ended a while ago.
    pub(super) fn expire(&self) {
        self.all().retain(|_, task| task.ended().is_none_or(|ended| ended.elapsed() < KEPT));
    }

    /// Those that a user may see: their own.
    fn of(&self, who: Option<&Who>) -> Vec<BackgroundOperation> {
        let all = self.all();
        let own = all.values().filter(|task| task.who.as_ref() == who);
        let without_result = |task: &Arc<Task>| {
            let shown = task.shown.borrow();
            BackgroundOperation { result: None, ..shown.clone() }
        };
        let mut own: Vec<_> = own.map(without_result).collect();
        own.sort_by(|a, b| b.began.cmp(&a.began));
        own
    }

    fn find(&self, who: Option<&Who>, id: &str) -> Result<Arc<Task>, Problem> {
        let found = self.all().get(id).filter(|task| task.who.as_ref() == who).cloned();
        found.ok_or_else(|| {
            let detail = format!("there is no operation '{id}', or it has ended a while ago");
            Problem::new(StatusCode::NOT_FOUND, detail)
        })
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Task>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Begun {
    /// What follows the operation.
    pub(super) fn watcher(&self) -> Arc<dyn Watcher> {
        Arc::new(Progress(self.task.clone()))
    }

    /// Runs it, and replies at once.
    pub(super) fn run(
        self,
        answer: impl Future<Output = Result<Response, Problem>> + Send + 'static,
    ) -> Response {
        let task = self.task;
        let shown = task.shown.borrow().clone();
        tokio::spawn(async move {
            let mut cancelled = task.cancel.subscribe();
            let answer = tokio::spawn(answer);
            let stop = answer.abort_handle();
            let answered = tokio::select! {
                answered = answer => answered.ok(),
                _ = cancelled.wait_for(|cancelled| *cancelled) => {
                    stop.abort();
                    None
                }
            };
            task.end(answered).await;
        });
        let mut response = (StatusCode::ACCEPTED, axum::Json(&shown)).into_response();
        let place = HeaderValue::try_from(format!("{ALL}/{}", shown.id));
        if let Ok(place) = place {
            response.headers_mut().insert(header::LOCATION, place);
        }
        let applied = HeaderName::from_static("preference-applied");
        response.headers_mut().insert(applied, HeaderValue::from_static(ASYNC));
        response
    }
}

impl Task {
    fn report(&self, words: &str) {
        self.shown.send_modify(|shown| {
            if shown.reports.len() >= MOST_WORDS {
                shown.reports.pop_front();
            }
            shown.reports.push_back(words.to_owned());
        });
    }

    async fn end(&self, answered: Option<Result<Response, Problem>>) {
        let was_cancelled = answered.is_none() && *self.cancel.borrow();
        let failed = || {
            let detail = "the server failed within this request; its log says where";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail))
        };
        let response = match answered {
            None if was_cancelled => None,
            answered => {
                Some(answered.unwrap_or_else(failed).unwrap_or_else(IntoResponse::into_response))
            }
        };
        let (mut status, mut result) = (None, None);
        if let Some(response) = response {
            status = Some(response.status());
            let body = axum::body::to_bytes(response.into_body(), MOST_RESULT_BYTES).await;
            let text = body.ok().and_then(|body| String::from_utf8(body.to_vec()).ok());
            result = text.and_then(|text| RawValue::from_string(text).ok());
            if result.is_none() {
                self.report("its result is too long to be remembered");
            }
        }
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.shown.send_modify(|shown| {
            shown.state = match status {
                None => BackgroundState::Cancelled,
                Some(status) if status.is_success() => BackgroundState::Done,
                Some(_) => BackgroundState::Failed,
            };
            shown.status = status.map(|status| status.as_u16());
            shown.result = result;
        });
    }

    fn ended(&self) -> Option<Instant> {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The services of [`ALL`], [`ONE`] and [`EVENTS`].
pub(super) fn methods() -> [(&'static str, MethodRouter<Arc<Http>>); 3] {
    type Server = State<Arc<Http>>;
    let all = get(async |http: Server, request: Request| list(&http, request).await);
    let one = get(async |http: Server, request: Request| {
        Ok::<_, Problem>(shown(&*asked(&http, request).await?))
    });
    let one = one.delete(async |http: Server, request: Request| cancel(&http, request).await);
    let followed = get(async |http: Server, request: Request| {
        let task = asked(&http, request).await?;
        let events = events(&task).take_until(http.0.stopped());
        Ok::<_, Problem>(Sse::new(events).keep_alive(KeepAlive::new()))
    });
    [(ALL, all), (ONE, one), (EVENTS, followed)]
}

async fn list(http: &Http, request: Request) -> Result<Response, Problem> {
    let (head, _) = request.into_parts();
    let who = http.logins.who(http, &head).await?;
    Ok(axum::Json(http.background.of(who.as_ref())).into_response())
}

/// The task that a path names.
async fn asked(http: &Http, request: Request) -> Result<Arc<Task>, Problem> {
    let (head, _) = request.into_parts();
    let who = http.logins.who(http, &head).await?;
    let pattern = if head.uri.path().ends_with("/events") { EVENTS } else { ONE };
    let named = parameters(pattern, head.uri.path())?;
    http.background.find(who.as_ref(), &named["operation"])
}

fn shown(task: &Task) -> Response {
    axum::Json(&*task.shown.borrow()).into_response()
}

/// Ends the work, and replies once it has ended.
async fn cancel(http: &Http, request: Request) -> Result<Response, Problem> {
    let task = asked(http, request).await?;
    task.cancel.send_replace(true);
    let mut changes = task.shown.subscribe();
    let _ = changes.wait_for(|shown| shown.state != BackgroundState::Running).await;
    Ok(shown(&task))
}

/// The progress as events, each of which is the whole; the last one has the result.
fn events(task: &Task) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let changes = task.shown.subscribe();
    stream::unfold((changes, true), |(mut changes, is_first)| async move {
        if !is_first {
            let has_ended = changes.borrow().state != BackgroundState::Running;
            if has_ended && !changes.has_changed().unwrap_or(false) {
                return None;
            }
            changes.changed().await.ok()?;
            if changes.borrow().state == BackgroundState::Running {
                // A few changes at once.
                let ended = changes.wait_for(|shown| shown.state != BackgroundState::Running);
                let _ = tokio::time::timeout(PACE, ended).await;
            }
        }
        let shown = changes.borrow_and_update().clone();
        let name = if shown.state == BackgroundState::Running { "progress" } else { "end" };
        let event = Event::default().event(name).json_data(&shown);
        Some((Ok(event.unwrap_or_default()), (changes, false)))
    })
}

fn time(at: DateTime) -> String {
    at.try_to_rfc3339_string().unwrap_or_default()
}
