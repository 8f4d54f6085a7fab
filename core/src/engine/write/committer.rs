//! Group commit: the writers of one timeline share durable appends.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::engine::catalog::{Catalog, Catalogs};
use crate::engine::replay::LogMaterializer;
use crate::engine::snapshot::Automatic;
use crate::engine::write::append::append;
use crate::engine::write::operation::WriteRequest;
use crate::engine::write::outcome::Outcome;
use crate::engine::write::sequencer::{Sequenced, sequence};
use crate::log::timelines::Timelines;
use crate::model::environment::Environment;
use crate::model::metrics::Metric;
use crate::model::{Commit, Head, Timeline, TimelineId, View};
use crate::storage::{Append, Backend, Materialize, RefName, decode};
use crate::{Error, Result};

/// The most requests in one append.
const MOST_REQUESTS: usize = 1024;

/// The most bytes of documents in one append, unless a single request has more.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What a committer needs of its store.
pub(crate) struct CommitterContext {
    pub(crate) backend: Backend,
    pub(crate) materialize: Arc<dyn Materialize>,
    /// The same as `materialize`, if that reads log and snapshots.
    pub(crate) replay: Option<Arc<LogMaterializer>>,
    pub(crate) timelines: Arc<Timelines>,
    pub(crate) environment: Environment,
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) automatic: Arc<Automatic>,
}

/// What a submission came to.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// It was sequenced; this is what came of it.
    Outcome(Outcome),
    /// The timeline is sealed: the branch has moved elsewhere. The request comes back.
    Sealed(WriteRequest),
}

/// Gathers the requests for one timeline, and appends what waits in one go.
///
/// # Behavior
/// 1. Requests are sequenced in the order in which they were submitted, and answered in that
///    order, after the append that carries them is durable. An answer that depends on a commit of
///    the same append (a conflict with it, say) waits for it too.
/// 2. A writer that drops its future before its request was taken up leaves no commit; afterwards
///    its commit is completed all the same. It is whole or absent, never half.
/// 3. If an append definitely fails, every request in it fails with that error and nothing is
///    changed; if it may have happened, every request in it fails as `Indeterminate`. The next
///    append starts from the head that the store then shows.
/// 4. If another writer's append came first, all requests are sequenced again after it, and their
///    preconditions checked again.
pub(crate) struct Committer {
    context: Arc<CommitterContext>,
    timeline: Timeline,
    /// The ref of the branch that is the timeline, until it moves on.
    owner: RefName,
    queue: Mutex<Queue>,
}

struct Queue {
    waiting: VecDeque<Pending>,
    /// The state to go on from, while no drain is running; `None` when the store must be asked.
    rest: Option<Position>,
    /// Whether no drain is running, so that the next submission must start one.
    finished: bool,
}

struct Pending {
    request: WriteRequest,
    reply: oneshot::Sender<Result<Submitted>>,
    /// That of the writer: the append of a group belongs to its first one.
    span: Span,
}

/// The end of the timeline and the collections there.
#[derive(Clone)]
struct Position {
    head: Head,
    catalog: Arc<Catalog>,
}

/// What a committer reads of the record of a branch.
#[derive(Deserialize)]
struct OwnerRecord {
    timeline: TimelineId,
}

/// What one append came to.
enum AppendRound {
    Appended(Sequenced, Position),
    Sealed,
}

impl Committer {
    fn new(context: Arc<CommitterContext>, timeline: Timeline, owner: RefName) -> Self {
        let queue = Queue { waiting: VecDeque::new(), rest: None, finished: true };
        Self { context, timeline, owner, queue: Mutex::new(queue) }
    }

    /// Submits a request and waits for its outcome. `base` is the head of the timeline if it has
    /// no commits yet.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        request: WriteRequest,
        base: Head,
    ) -> Result<Submitted> {
        let (reply, answer) = oneshot::channel();
        let start = {
            let mut queue = self.queue();
            queue.waiting.push_back(Pending { request, reply, span: Span::current() });
            std::mem::replace(&mut queue.finished, false)
        };
        if start {
            // A task of its own, so that a writer who goes away does not take the others' commits
            // with it.
            // It has a guard from here on, as a runtime may end before it runs the task.
            tokio::spawn(drain(DrainGuard { committer: self.clone(), clean: false }, base));
        }
        answer
            .await
            .unwrap_or_else(|_| Err(Error::indeterminate("the task that writes commits ended")))
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives writers that were just answered a turn to submit what they have next, as long as more
    /// come, so that groups stay as large as the number of writers.
    async fn gather(&self) {
        const MOST_TURNS: usize = 16;
        let mut waiting = 0;
        for _ in 0..MOST_TURNS {
            tokio::task::yield_now().await;
            let now = self.queue().waiting.len();
            if now == waiting {
                return;
            }
            waiting = now;
        }
    }

    /// The requests for the next append; when there are none, puts `position` away and ends the
    /// drain in the same step, so that no submission falls between.
    fn take_group(&self, position: &mut Option<Position>) -> Option<Vec<Pending>> {
        let mut queue = self.queue();
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(next) = queue.waiting.front() {
            let size = next.request.document_bytes();
            let full = group.len() == MOST_REQUESTS || bytes + size > MOST_BYTES;
            if full && !group.is_empty() {
                break;
            }
            bytes += size;
            group.extend(queue.waiting.pop_front().filter(|waiting| !waiting.reply.is_closed()));
        }
        if group.is_empty() {
            queue.rest = position.take();
            queue.finished = true;
            return None;
        }
        Some(group)
    }

    /// Commits a group and answers it; gives the position to go on from, if it is known.
    async fn commit(
        &self,
        group: Vec<Pending>,
        position: Option<Position>,
        base: Head,
    ) -> Option<Position> {
        let (requests, replies): (Vec<_>, Vec<_>) =
            group.into_iter().map(|waiting| (waiting.request, waiting.reply)).unzip();
        match self.append_group(&requests, position, base).await {
            Ok(AppendRound::Appended(sequenced, position)) => {
                for (reply, outcome) in replies.into_iter().zip(sequenced.outcomes) {
                    // A writer that went away does not want its answer.
                    let _ = reply.send(outcome.map(Submitted::Outcome));
                }
                Some(position)
            }
            Ok(AppendRound::Sealed) => {
                for (reply, request) in replies.into_iter().zip(requests) {
                    let _ = reply.send(Ok(Submitted::Sealed(request)));
                }
                None
            }
            Err(error) => {
                let error = Arc::new(error);
                for reply in replies {
                    let _ = reply.send(Err(Error::shared(error.clone())));
                }
                None
            }
        }
    }

    async fn append_group(
        &self,
        requests: &[WriteRequest],
        position: Option<Position>,
        base: Head,
    ) -> Result<AppendRound> {
        let mut position = match position {
            Some(position) => position,
            None => match self.load(base).await? {
                Some(position) => position,
                None => return Ok(AppendRound::Sealed),
            },
        };
        loop {
            let mut sequenced = self.sequence(requests, &position).await?;
            let commits: Arc<[Commit]> = std::mem::take(&mut sequenced.commits).into();
            let Some(last) = commits.last().map(Commit::head) else {
                match self.moved_since(&position).await? {
                    None => return Ok(AppendRound::Appended(sequenced, position)),
                    Some(Append::Sealed(_)) => return Ok(AppendRound::Sealed),
                    Some(_) => {
                        let Some(moved) = self.load(base).await? else {
                            return Ok(AppendRound::Sealed);
                        };
                        position = moved;
                        continue;
                    }
                }
            };
            let wal = &*self.context.backend.wal;
            let environment = &self.context.environment;
            environment.metrics().value(Metric::GroupSize, commits.len() as u64);
            let appended = append(wal, &self.timeline, &position.head, &commits);
            match environment.timed(Metric::Append, appended).await? {
                Append::Done => {
                    // The timeline may have been left, and dropped, before this made it anew. If it was
                    // left after this, it was sealed after this, with these commits.
                    let is_first = position.head.lsn == self.timeline.base_lsn();
                    if is_first && !self.is_owned().await? && !self.is_sealed().await? {
                        self.seal(last).await?;
                        return Ok(AppendRound::Sealed);
                    }
                    let position = Position { head: last, catalog: sequenced.catalog.clone() };
                    self.appended(&commits, &position);
                    return Ok(AppendRound::Appended(sequenced, position));
                }
                Append::HeadMoved(_) => match self.load(base).await? {
                    Some(moved) => position = moved,
                    None => return Ok(AppendRound::Sealed),
                },
                Append::Sealed(_) => return Ok(AppendRound::Sealed),
            }
        }
    }

    /// Tells those who keep track of the timeline of commits that are durable now.
    fn appended(&self, commits: &[Commit], position: &Position) {
        let CommitterContext { replay, catalogs, automatic, .. } = &*self.context;
        let (lsn, catalog) = (position.head.lsn, &position.catalog);
        catalogs.keep(self.timeline.id, lsn..=lsn, catalog);
        if let Some(replay) = replay {
            replay.appended(self.timeline, commits);
        }
        automatic.appended(self.timeline, commits, catalog);
    }

    /// Whether the timeline has gone on since `position`. With nothing to append, no
    /// compare-and-set shows it, and a refusal may only rest on what is still the head.
    async fn moved_since(&self, position: &Position) -> Result<Option<Append>> {
        Ok(match self.context.backend.wal.state(self.timeline.id).await? {
            Some(state) if state.sealed => Some(Append::Sealed(state.head)),
            Some(state) if state.head != position.head => Some(Append::HeadMoved(state.head)),
            Some(_) => None,
            None if self.is_owned().await? => None,
            None => Some(Append::Sealed(position.head)),
        })
    }

    /// Whether the branch still is this timeline.
    async fn is_owned(&self) -> Result<bool> {
        let stored = self.context.backend.refs.get(&self.owner).await?;
        let record = stored.map(|stored| decode::<OwnerRecord>(&self.owner, stored));
        Ok(record.transpose()?.is_some_and(|stored| stored.record.timeline == self.timeline.id))
    }

    async fn is_sealed(&self) -> Result<bool> {
        let state = self.context.backend.wal.state(self.timeline.id).await?;
        Ok(state.is_some_and(|state| state.sealed))
    }

    /// Ends a timeline that nobody reads.
    async fn seal(&self, mut head: Head) -> Result<()> {
        let wal = &self.context.backend.wal;
        while let Append::HeadMoved(moved) = wal.seal(&self.timeline, &head).await? {
            head = moved;
        }
        Ok(())
    }

    async fn sequence(&self, requests: &[WriteRequest], position: &Position) -> Result<Sequenced> {
        let view = self.view(&position.head).await?;
        let CommitterContext { materialize, environment, .. } = &*self.context;
        let catalog = position.catalog.clone();
        let timeline = self.timeline.id;
        sequence(requests, timeline, position.head, &view, catalog, &**materialize, environment)
            .await
    }

    /// Asks the store where the timeline ends; `None` if it is sealed.
    async fn load(&self, base: Head) -> Result<Option<Position>> {
        let head = match self.context.backend.wal.state(self.timeline.id).await? {
            Some(state) if state.sealed => return Ok(None),
            Some(state) => state.head,
            None => base,
        };
        let view = self.view(&head).await?;
        let catalog = self.context.catalogs.of(&*self.context.materialize, &view).await?;
        Ok(Some(Position { head, catalog }))
    }

    async fn view(&self, head: &Head) -> Result<View> {
        self.context.timelines.view(self.timeline, head.lsn).await
    }
}

/// Commits group after group until nobody waits.
async fn drain(mut guard: DrainGuard, base: Head) {
    let committer = guard.committer.clone();
    let mut position = committer.queue().rest.take();
    loop {
        committer.gather().await;
        let Some(group) = committer.take_group(&mut position) else {
            guard.clean = true;
            return;
        };
        let writer = group.first().and_then(|first| first.span.id());
        let span = tracing::debug_span!(parent: writer, "append", requests = group.len());
        position = committer.commit(group, position, base).instrument(span).await;
    }
}

/// Ends a drain, also one that is cut off by a panic or by the end of its runtime: the requests
/// that still wait are then answered as lost, and the next one starts afresh.
struct DrainGuard {
    committer: Arc<Committer>,
    /// Whether the drain came to its end by itself. Another may be running by then.
    clean: bool,
}

impl Drop for DrainGuard {
    fn drop(&mut self) {
        if !self.clean {
            let mut queue = self.committer.queue();
            queue.waiting.clear();
            queue.rest = None;
            queue.finished = true;
        }
    }
}

/// The committers of a store. One stays after its writers have gone, so that the next write need not
/// ask the store where the timeline ends.
pub(crate) struct Committers {
    context: Arc<CommitterContext>,
    by_timeline: Mutex<HashMap<TimelineId, Arc<Committer>>>,
}

impl Committers {
    /// How many are kept when nobody uses them.
    const MOST_IDLE: usize = 256;

    pub(crate) fn new(context: CommitterContext) -> Self {
        Self { context: Arc::new(context), by_timeline: Mutex::default() }
    }

    /// The committer of a timeline, the same for all who ask; `owner` names the ref of its branch.
    pub(crate) fn of(&self, timeline: Timeline, owner: impl FnOnce() -> RefName) -> Arc<Committer> {
        let mut known = self.by_timeline.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(committer) = known.get(&timeline.id) {
            return committer.clone();
        }
        if known.len() >= Self::MOST_IDLE {
            known.retain(|_, committer| Arc::strong_count(committer) > 1);
        }
        let committer = Arc::new(Committer::new(self.context.clone(), timeline, owner()));
        known.insert(timeline.id, committer.clone());
        committer
    }
}
