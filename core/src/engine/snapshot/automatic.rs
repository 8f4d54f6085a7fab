//! Automatic snapshots, by the backend's policy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Result;
use crate::engine::active_states::ActiveStates;
use crate::engine::catalog::Catalog;
use crate::engine::replay::LogMaterializer;
use crate::engine::snapshot::latest;
use crate::engine::snapshot::write::Maker;
use crate::log::timelines::Timelines;
use crate::model::environment::Environment;
use crate::model::metrics::Metric;
use crate::model::{Commit, Lsn, Point, Timeline, TimelineId};
use crate::storage::{Backend, Materialize, SnapshotPolicy};

/// The maximum number of tracked timelines without a running task.
const MOST_TIMELINES: usize = 256;

/// The maximum number of doublings of the interval between attempts after failures.
const MOST_DOUBLINGS: u32 = 4;

/// The dependencies of making snapshots.
pub(crate) struct SnapshotContext {
    pub(crate) backend: Backend,
    pub(crate) materialize: Arc<dyn Materialize>,
    pub(crate) replay: Option<Arc<LogMaterializer>>,
    pub(crate) timelines: Arc<Timelines>,
    pub(crate) environment: Environment,
    pub(crate) open: Arc<ActiveStates>,
    /// Held while a snapshot is made; garbage collection waits for it, and blocks snapshots.
    pub(crate) snapshots: Arc<tokio::sync::RwLock<()>>,
}

/// Makes snapshots of durable commits in the background, one at a time per timeline. Dropping it
/// interrupts running tasks.
pub(crate) struct Automatic {
    work: Arc<Work>,
    tasks: Mutex<JoinSet<()>>,
}

/// The shared state of the tasks.
struct Work {
    making: SnapshotContext,
    timelines: Mutex<HashMap<TimelineId, Progress>>,
    running: watch::Sender<usize>,
}

/// The progress of a timeline since its last snapshot.
struct Progress {
    timeline: Timeline,
    /// The last durable commit, and the collections there.
    head: Lsn,
    catalog: Arc<Catalog>,
    /// The position of the last snapshot, or of the last attempt; `None` until the store was asked.
    since: Option<Lsn>,
    /// The bytes of documents that this process has appended since then.
    bytes: u64,
    /// The number of consecutive failed attempts.
    failures: u32,
    /// Whether a task is running.
    running: bool,
}

/// The next step for a timeline.
enum Step {
    /// Look up the last snapshot in the store.
    LookUp(Timeline, Lsn),
    /// Make a snapshot.
    Make(Timeline, Lsn, Arc<Catalog>),
}

impl Automatic {
    pub(crate) fn new(making: SnapshotContext) -> Self {
        let running = watch::Sender::new(0);
        let work = Work { making, timelines: Mutex::default(), running };
        Self { work: Arc::new(work), tasks: Mutex::default() }
    }

    /// Records durable commits of a timeline, and the collections after them. Never waits; if a
    /// snapshot is due, it is made in the background.
    pub(crate) fn appended(&self, timeline: Timeline, commits: &[Commit], catalog: &Arc<Catalog>) {
        let policy = self.work.making.backend.snapshot_policy;
        let Some(last) = commits.last() else { return };
        if policy.after_commits.is_none() && policy.after_bytes.is_none() {
            return;
        }
        if self.work.note(policy, timeline, last.meta.lsn, commits, catalog) {
            let running = Running::new(self.work.clone(), timeline.id);
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            while tasks.try_join_next().is_some() {}
            tasks.spawn(running.run());
        }
    }

    /// Waits until no task is running.
    pub(crate) async fn settle(&self) {
        let mut running = self.work.running.subscribe();
        // The sender lives as long as `self`.
        let _ = running.wait_for(|running| *running == 0).await;
    }
}

impl Progress {
    fn of(timeline: Timeline) -> Self {
        Self {
            timeline,
            head: timeline.base_lsn(),
            catalog: Arc::default(),
            since: None,
            bytes: 0,
            failures: 0,
            running: false,
        }
    }

    fn next(&self, policy: SnapshotPolicy) -> Option<Step> {
        let patience = 1_u64 << self.failures.saturating_sub(1).min(MOST_DOUBLINGS);
        let reached = |count: u64, after: Option<u64>| {
            after.is_some_and(|after| count >= after.max(1).saturating_mul(patience))
        };
        let Progress { timeline, head, since, .. } = *self;
        let commits = match since {
            None if policy.after_commits.is_some() => return Some(Step::LookUp(timeline, head)),
            None => 0,
            Some(since) => head.get().saturating_sub(since.get()),
        };
        let due = reached(commits, policy.after_commits) || reached(self.bytes, policy.after_bytes);
        due.then(|| Step::Make(timeline, head, self.catalog.clone()))
    }
}

impl Work {
    fn timelines(&self) -> MutexGuard<'_, HashMap<TimelineId, Progress>> {
        self.timelines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records commits; returns whether a task must be started.
    fn note(
        &self,
        policy: SnapshotPolicy,
        timeline: Timeline,
        head: Lsn,
        commits: &[Commit],
        catalog: &Arc<Catalog>,
    ) -> bool {
        let mut timelines = self.timelines();
        if timelines.len() >= MOST_TIMELINES && !timelines.contains_key(&timeline.id) {
            timelines.retain(|_, progress| progress.running);
        }
        let progress = timelines.entry(timeline.id).or_insert_with(|| Progress::of(timeline));
        progress.head = head;
        progress.catalog = catalog.clone();
        progress.bytes += commits.iter().map(|commit| commit.document_bytes() as u64).sum::<u64>();
        let start = !progress.running && progress.next(policy).is_some();
        progress.running |= start;
        start
    }

    /// Returns the next step for a timeline, and the bytes that were appended before it. Without a
    /// step, the task ends under the same lock, so that no commit is missed in between.
    fn next(&self, timeline: TimelineId) -> Option<(Step, u64)> {
        let mut timelines = self.timelines();
        let progress = timelines.get_mut(&timeline)?;
        let step = progress.next(self.making.backend.snapshot_policy);
        progress.running = step.is_some();
        step.map(|step| (step, progress.bytes))
    }

    async fn take(&self, step: &Step) -> Result<Lsn> {
        let SnapshotContext {
            backend,
            materialize,
            replay,
            timelines,
            environment,
            open,
            snapshots,
        } = &self.making;
        match step {
            Step::LookUp(timeline, head) => {
                let view = timelines.view(*timeline, *head).await?;
                let found = latest(&*backend.snapshots, &view).await?;
                Ok(found.map_or(Lsn::ZERO, |manifest| manifest.point.lsn))
            }
            Step::Make(timeline, head, catalog) => {
                let _making = snapshots.read().await;
                let view = timelines.view(*timeline, *head).await?;
                let _held = open.acquire(&view)?;
                let collections = catalog.all_ids();
                let maker = Maker { backend, materialize, replay: replay.as_ref() };
                let made = maker.make(&view, collections, environment.now());
                let made = environment.timed(Metric::Snapshot, made).await?;
                let Point { timeline, lsn } = made.point;
                tracing::debug!(%timeline, %lsn, "made a snapshot");
                if let Some(replay) = replay {
                    replay.snapshot_made(made.point);
                }
                Ok(lsn)
            }
        }
    }

    /// Records the result of a step. After a failure, the next attempt requires as many appended
    /// bytes or commits as the previous one, after the second failure twice as many, and so on.
    fn took(&self, timeline: TimelineId, step: &Step, bytes: u64, result: Result<Lsn>) {
        let mut timelines = self.timelines();
        let Some(progress) = timelines.get_mut(&timeline) else { return };
        let (Step::LookUp(_, head) | Step::Make(_, head, _)) = step;
        match result {
            Ok(lsn) => {
                progress.since = Some(lsn);
                if matches!(step, Step::Make(..)) {
                    progress.failures = 0;
                    progress.bytes -= bytes;
                }
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "failed to make a snapshot at LSN {head} of timeline {timeline}; it is retried \
                     after more commits"
                );
                progress.failures += 1;
                progress.since = Some(*head);
                progress.bytes -= bytes;
            }
        }
    }
}

/// A task that makes the snapshots of one timeline. Another may start after it has ended, also if
/// it was interrupted.
struct Running {
    work: Arc<Work>,
    timeline: TimelineId,
    /// Whether the task has ended regularly.
    over: bool,
}

impl Running {
    fn new(work: Arc<Work>, timeline: TimelineId) -> Self {
        work.running.send_modify(|running| *running += 1);
        Self { work, timeline, over: false }
    }

    async fn run(mut self) {
        while let Some((step, bytes)) = self.work.next(self.timeline) {
            let result = self.work.take(&step).await;
            self.work.took(self.timeline, &step, bytes, result);
        }
        self.over = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over
            && let Some(progress) = self.work.timelines().get_mut(&self.timeline)
        {
            progress.running = false;
        }
        self.work.running.send_modify(|running| *running -= 1);
    }
}
