//! Group commit: the writers of one timeline share durable appends.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use serde::Deserialize;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard, oneshot};
use tracing::{Instrument, Span};

use crate::engine::capped::InsertionOrders;
use crate::engine::catalog::{Catalog, Catalogs};
use crate::engine::index::KeptIndexes;
use crate::engine::replay::LogMaterializer;
use crate::engine::rules::KnownRules;
use crate::engine::snapshot::Automatic;
use crate::engine::write::append::append;
use crate::engine::write::operation::WriteRequest;
use crate::engine::write::outcome::Outcome;
use crate::engine::write::sequencer::{Sequenced, sequence};
use crate::engine::write::series::{self, Series};
use crate::log::timelines::Timelines;
use crate::model::environment::Environment;
use crate::model::metrics::Metric;
use crate::model::{Commit, Head, Timeline, TimelineId, View};
use crate::storage::{Append, Backend, Materialize, RefName, decode, inherited};
use crate::{Error, Result};

/// The maximum number of requests in one append.
const MOST_REQUESTS: usize = 1024;

/// The maximum size of the documents in one append in bytes, unless a single request has more.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The dependencies of a committer.
pub(crate) struct CommitterContext {
    pub(crate) backend: Backend,
    pub(crate) materialize: Arc<dyn Materialize>,
    /// The same as `materialize`, if that reads log and snapshots.
    pub(crate) replay: Option<Arc<LogMaterializer>>,
    pub(crate) timelines: Arc<Timelines>,
    pub(crate) environment: Environment,
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) orders: Arc<InsertionOrders>,
    pub(crate) automatic: Arc<Automatic>,
    /// Wakes those who wait for commits.
    pub(crate) appends: Arc<Notify>,
}

/// The result of a submission.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// The request was sequenced, with this outcome.
    Outcome(Outcome),
    /// The timeline is sealed, because the branch has moved. Returns the request.
    Sealed(WriteRequest),
}

/// Gathers the requests for one timeline, and appends the waiting ones together.
///
/// # Behavior
/// 1. Requests are sequenced and answered in the order of submission, after the append that
///    contains them is durable. An answer that depends on a commit of the same append (such as a
///    conflict with it) waits for it too. Of a [series](Series), no request is committed after one
///    that was refused, failed or was cancelled.
/// 2. If a writer drops its future before its request is taken from the queue, no commit is made;
///    afterwards its commit is completed. It is whole or absent, never partial.
/// 3. If an append definitely fails, every request in it fails with that error and nothing is
///    changed; if its result is unknown, every request in it fails as `Indeterminate`. The next
///    append starts from the head that the store then returns.
/// 4. If another writer's append came first, all requests are sequenced again after it, and their
///    preconditions checked again.
pub(crate) struct Committer {
    context: Arc<CommitterContext>,
    timeline: Timeline,
    /// The ref of the branch on this timeline, until the branch moves.
    owner: RefName,
    queue: Mutex<Queue>,
    /// Locked while a group is appended.
    turn: Arc<AsyncMutex<()>>,
}

struct Queue {
    waiting: VecDeque<Pending>,
    /// The state to continue from, while no drain is running; `None` if the store must be asked.
    rest: Option<Position>,
    /// Whether no drain is running, so that the next submission must start one.
    finished: bool,
}

struct Pending {
    request: WriteRequest,
    reply: oneshot::Sender<Result<Submitted>>,
    /// The writer's span: the append of a group belongs to its first writer.
    span: Span,
}

impl Pending {
    /// The request if it can be appended: its writer still waits, and its series has not ended. What
    /// follows in the series of one that was given up would leave a gap.
    fn into_wanted(self) -> Option<Self> {
        if self.reply.is_closed() {
            self.request.end_series();
            return None;
        }
        if self.request.series.as_ref().is_some_and(Series::has_ended) {
            let _ = self.reply.send(Err(series::ended()));
            return None;
        }
        Some(self)
    }
}

/// The end of the timeline, and the collections and kept indexes there.
#[derive(Clone)]
pub(super) struct Position {
    pub(super) head: Head,
    pub(super) catalog: Arc<Catalog>,
    pub(super) kept: KeptIndexes,
    pub(super) rules: KnownRules,
}

/// A timeline to which the other writers of this process append nothing as long as this exists. Their requests
/// wait; other processes are not kept from appending.
pub(crate) struct HeldTimeline {
    committer: Arc<Committer>,
    _turn: OwnedMutexGuard<()>,
}

/// The part of a branch's record that a committer reads.
#[derive(Deserialize)]
struct OwnerRecord {
    timeline: TimelineId,
}

/// The result of one append.
enum AppendRound {
    Appended(Box<(Sequenced, Position)>),
    Sealed,
}

impl Committer {
    fn new(context: Arc<CommitterContext>, timeline: Timeline, owner: RefName) -> Self {
        let queue = Queue { waiting: VecDeque::new(), rest: None, finished: true };
        let (queue, turn) = (Mutex::new(queue), Arc::default());
        Self { context, timeline, owner, queue, turn }
    }

    /// Submits requests, several as a [series](Series), and waits for their outcomes, one for each.
    /// `base` is the head of the timeline if it has no commits yet.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        mut requests: Vec<WriteRequest>,
        base: Head,
    ) -> Vec<Result<Submitted>> {
        if requests.len() > 1 {
            let series = Series::default();
            for request in &mut requests {
                request.series = Some(series.clone());
            }
        }
        let mut answers = Vec::with_capacity(requests.len());
        let start = {
            let mut queue = self.queue();
            for request in requests {
                let (reply, answer) = oneshot::channel();
                queue.waiting.push_back(Pending { request, reply, span: Span::current() });
                answers.push(answer);
            }
            std::mem::replace(&mut queue.finished, false)
        };
        if start {
            // A task of its own, so that a writer that is cancelled does not abort the others'
            // commits. The guard exists from here on, because a runtime may end before it runs the
            // task.
            tokio::spawn(drain(DrainGuard { committer: self.clone(), clean: false }, base));
        }
        let lost = |_| Err(Error::indeterminate("the task that writes commits crashed"));
        join_all(answers).await.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect()
    }

    /// Waits until no group is being appended, and lets others wait from then on.
    pub(crate) async fn hold(self: &Arc<Self>) -> HeldTimeline {
        HeldTimeline { committer: self.clone(), _turn: self.turn.clone().lock_owned().await }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets writers that were just answered submit their next request, as long as more arrive, so
    /// that groups stay as large as the number of writers.
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

    /// Takes the requests for the next append; if there are none, stores `position` and ends the
    /// drain under the same lock, so that no submission is missed in between.
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
            let next = queue.waiting.pop_front().and_then(Pending::into_wanted);
            // What is read before an append must fit the rules that it is sequenced by.
            let is_last = next.as_ref().is_some_and(|next| next.request.changes_rules());
            group.extend(next);
            if is_last {
                break;
            }
        }
        if group.is_empty() {
            queue.rest = position.take();
            queue.finished = true;
            return None;
        }
        Some(group)
    }

    /// Commits a group and answers it; returns the position to continue from, if known.
    async fn commit(
        &self,
        group: Vec<Pending>,
        position: Option<Position>,
        base: Head,
    ) -> Option<Position> {
        let (requests, replies): (Vec<_>, Vec<_>) =
            group.into_iter().map(|waiting| (waiting.request, waiting.reply)).unzip();
        match self.append_group(&requests, position, base).await {
            Ok(AppendRound::Appended(appended)) => {
                let (sequenced, position) = *appended;
                for ((request, reply), outcome) in
                    requests.iter().zip(replies).zip(sequenced.outcomes)
                {
                    if !outcome.as_ref().is_ok_and(Outcome::is_met) {
                        request.end_series();
                    }
                    // A cancelled writer does not receive its answer.
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
                requests.iter().for_each(WriteRequest::end_series);
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
            let entries = Some(Arc::new(std::mem::take(&mut sequenced.entries)));
            let Some(last) = commits.last().map(Commit::head) else {
                match self.moved_since(&position).await? {
                    None => return Ok(AppendRound::Appended(Box::new((sequenced, position)))),
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
            let appended =
                append(wal, &self.timeline, &position.head, &commits, entries, environment);
            let appended = environment.timed(Metric::Append, appended).await;
            // After an error too: the result may be unknown.
            self.context.appends.notify_waiters();
            match appended? {
                Append::Done => {
                    // The timeline may have been left and dropped before this append created it
                    // again. If it is left after this check, it is sealed with these commits.
                    let is_first = position.head.lsn == self.timeline.base_lsn();
                    if is_first && !self.is_owned().await? && !self.is_sealed().await? {
                        self.seal(last).await?;
                        return Ok(AppendRound::Sealed);
                    }
                    let position = Position {
                        head: last,
                        catalog: sequenced.catalog.clone(),
                        kept: std::mem::take(&mut sequenced.kept),
                        rules: std::mem::take(&mut sequenced.rules),
                    };
                    self.appended(&commits, &position);
                    return Ok(AppendRound::Appended(Box::new((sequenced, position))));
                }
                Append::HeadMoved(_) => match self.load(base).await? {
                    Some(moved) => position = moved,
                    None => return Ok(AppendRound::Sealed),
                },
                Append::Sealed(_) => return Ok(AppendRound::Sealed),
            }
        }
    }

    /// Publishes durable commits to the caches and automatic snapshots of the timeline.
    fn appended(&self, commits: &[Commit], position: &Position) {
        let CommitterContext { replay, catalogs, orders, automatic, .. } = &*self.context;
        let (lsn, catalog) = (position.head.lsn, &position.catalog);
        catalogs.keep(self.timeline.id, lsn..=lsn, catalog);
        orders.appended(self.timeline.id, commits);
        if let Some(replay) = replay {
            replay.appended(self.timeline, commits);
        }
        automatic.appended(self.timeline, commits, catalog);
    }

    /// Returns whether the timeline has moved since `position`. Without an append, no
    /// compare-and-set detects that, and a refusal must depend on the current head.
    async fn moved_since(&self, position: &Position) -> Result<Option<Append>> {
        Ok(match self.context.backend.wal.state(self.timeline.id).await? {
            Some(state) if state.sealed => Some(Append::Sealed(state.head)),
            Some(state) if state.head != position.head => Some(Append::HeadMoved(state.head)),
            // An index that refused a document may be gone.
            Some(state) if self.kept(true).await?.builds != position.kept.builds => {
                Some(Append::HeadMoved(state.head))
            }
            Some(_) => None,
            None if self.is_owned().await? => None,
            None => Some(Append::Sealed(position.head)),
        })
    }

    /// Returns whether the branch is still on this timeline.
    async fn is_owned(&self) -> Result<bool> {
        let stored = self.context.backend.refs.get(&self.owner).await?;
        let record = stored.map(|stored| decode::<OwnerRecord>(&self.owner, stored));
        Ok(record.transpose()?.is_some_and(|stored| stored.record.timeline == self.timeline.id))
    }

    async fn is_sealed(&self) -> Result<bool> {
        let state = self.context.backend.wal.state(self.timeline.id).await?;
        Ok(state.is_some_and(|state| state.sealed))
    }

    /// Seals a timeline that no branch is on.
    async fn seal(&self, mut head: Head) -> Result<()> {
        let wal = &self.context.backend.wal;
        while let Append::HeadMoved(moved) = wal.seal(&self.timeline, &head).await? {
            head = moved;
        }
        Ok(())
    }

    async fn sequence(&self, requests: &[WriteRequest], position: &Position) -> Result<Sequenced> {
        let view = self.view(&position.head).await?;
        sequence(requests, self.timeline.id, position, &view, &self.context).await
    }

    /// Asks the store for the end of the timeline; `None` if it is sealed.
    async fn load(&self, base: Head) -> Result<Option<Position>> {
        let (head, exists) = match self.context.backend.wal.state(self.timeline.id).await? {
            Some(state) if state.sealed => return Ok(None),
            Some(state) => (state.head, true),
            None => (base, false),
        };
        let view = self.view(&head).await?;
        let catalog = self.context.catalogs.of(&*self.context.materialize, &view).await?;
        let (kept, rules) = (self.kept(exists).await?, KnownRules::default());
        Ok(Some(Position { head, catalog, kept, rules }))
    }

    /// The indexes that the next append keeps; `exists` is whether the timeline does.
    async fn kept(&self, exists: bool) -> Result<KeptIndexes> {
        let Some(indexes) = &self.context.backend.indexes else {
            return Ok(KeptIndexes::default());
        };
        match self.timeline.base {
            Some(base) if !exists => {
                let builds = indexes.builds(base.timeline).await?;
                KeptIndexes::of(&inherited(&builds, base.lsn))
            }
            _ => KeptIndexes::of(&indexes.builds(self.timeline.id).await?),
        }
    }

    async fn view(&self, head: &Head) -> Result<View> {
        self.context.timelines.view(self.timeline, head.lsn).await
    }
}

impl HeldTimeline {
    /// Commits a request before those that wait; `base` is as in [`submit`](Committer::submit).
    pub(crate) async fn commit(&self, request: WriteRequest, base: Head) -> Result<Submitted> {
        let committer = self.committer.clone();
        // A task of its own, so that a cancelled caller does not leave the caches without the commit.
        let appended = tokio::spawn(async move {
            let requests = [request];
            let appended = committer.append_group(&requests, None, base).await;
            (appended, requests)
        });
        let lost = |_| Error::indeterminate("the task that writes a commit crashed");
        match appended.await.map_err(lost)? {
            (Ok(AppendRound::Appended(appended)), _) => {
                let outcome = appended.0.outcomes.into_iter().next();
                let missing = || Err(Error::internal("a request has no outcome"));
                outcome.unwrap_or_else(missing).map(Submitted::Outcome)
            }
            (Ok(AppendRound::Sealed), [request]) => Ok(Submitted::Sealed(request)),
            (Err(error), _) => Err(error),
        }
    }
}

/// Commits groups until no request waits.
async fn drain(mut guard: DrainGuard, base: Head) {
    let committer = guard.committer.clone();
    let mut position = committer.queue().rest.take();
    loop {
        committer.gather().await;
        let _turn = committer.turn.lock().await;
        let Some(group) = committer.take_group(&mut position) else {
            guard.clean = true;
            return;
        };
        let writer = group.first().and_then(|first| first.span.id());
        let span = tracing::debug_span!(parent: writer, "append", requests = group.len());
        position = committer.commit(group, position, base).instrument(span).await;
    }
}

/// Ends a drain, also after a panic or the end of its runtime: waiting requests are then answered
/// as lost, and the next one starts a new drain.
struct DrainGuard {
    committer: Arc<Committer>,
    /// Whether the drain ended regularly. Another may already be running then.
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

/// The committers of a store. They outlive their writers, so that the next write need not ask the
/// store for the end of the timeline.
pub(crate) struct Committers {
    context: Arc<CommitterContext>,
    by_timeline: Mutex<HashMap<TimelineId, Arc<Committer>>>,
}

impl Committers {
    /// The maximum number of unused committers.
    const MOST_IDLE: usize = 256;

    pub(crate) fn new(context: CommitterContext) -> Self {
        Self { context: Arc::new(context), by_timeline: Mutex::default() }
    }

    /// Returns the committer of a timeline, shared by all callers; `owner` names the ref of its
    /// branch.
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
