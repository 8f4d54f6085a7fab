//! Reading a timeline: each run of commits from its delta, or from the queue while it has none.
//!
//! Workers move commits from the queue to deltas, and from small deltas to larger ones, during
//! reads. They add before they remove; so a reader that misses a commit looks again, and finds it
//! elsewhere.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::model::{Commit, Lsn, TimelineId, Touched};
use argon_core::storage::{CommitStream, Direction, HeaderStream, Objects};
use argon_core::{Backoff, Error, ErrorKind, Result};
use futures::stream::{self, StreamExt};

use crate::delta;
use crate::index::{Index, batch_after, covering};
use crate::timelines::Timelines;

/// The bytes of documents of a batch that are in memory at a time, without the commit that reaches
/// them.
const PIECE_BYTES: usize = 8 * 1024 * 1024;

/// The location of a commit.
enum CommitLocation {
    /// In the delta of this name.
    Delta(String),
    /// In this batch of the queue, whose last commit is at this position.
    Batch(i64, Lsn),
}

/// A commit in one of two forms: with its documents, or without.
trait Form: Sized + Send + Sync + 'static {
    fn of(commit: Commit) -> Self;
}

impl Form for Commit {
    fn of(commit: Commit) -> Self {
        commit
    }
}

impl Form for Commit<Touched> {
    fn of(commit: Commit) -> Self {
        commit.without_documents()
    }
}

/// Reads the commits of timelines. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LogReader {
    pub(crate) timelines: Arc<Timelines>,
    pub(crate) index: Arc<Index>,
    pub(crate) objects: Arc<dyn Objects>,
}

/// A read in progress.
struct Reading<C> {
    reader: LogReader,
    timeline: TimelineId,
    direction: Direction,
    /// The commits that are not read yet.
    range: RangeInclusive<Lsn>,
    /// Whether the range is limited to the timeline's commits.
    begun: bool,
    ready: VecDeque<C>,
}

impl LogReader {
    pub(crate) fn commits(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> CommitStream {
        self.stream::<Commit>(timeline, range, direction)
    }

    pub(crate) fn headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        self.stream::<Commit<Touched>>(timeline, range, direction)
    }

    fn stream<C: Form>(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> stream::BoxStream<'static, Result<C>> {
        let (ready, begun) = (VecDeque::new(), false);
        let reading = Reading { reader: self.clone(), timeline, direction, range, begun, ready };
        stream::try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|commit| (commit, reading)))
        })
        .boxed()
    }

    /// Locates a commit that the timeline has; `None` if it is in neither place at this moment.
    async fn place_of(
        &self,
        timeline: TimelineId,
        lsn: Lsn,
        again: bool,
    ) -> Result<Option<CommitLocation>> {
        let deltas = if again {
            self.index.of(timeline).await?
        } else {
            self.index.known_of(timeline).await?
        };
        if let Some(delta) = covering(&deltas, lsn) {
            return Ok(Some(CommitLocation::Delta(delta.object.clone())));
        }
        let Some(stored) = self.timelines.current(timeline).await? else { return Ok(None) };
        let first = batch_after(&deltas, lsn, stored.record.floor_batch);
        for batch in first..=stored.record.batch {
            // A batch without commits may be missing.
            let Some(state) = self.timelines.batch_state(timeline, batch).await? else { continue };
            if state.head.lsn >= lsn {
                let has = state.timeline.base_lsn() < lsn;
                return Ok(has.then_some(CommitLocation::Batch(batch, state.head.lsn)));
            }
        }
        Ok(None)
    }
}

impl<C: Form> Reading<C> {
    async fn next(&mut self) -> Result<Option<C>> {
        if !self.begun {
            self.begin().await?;
        }
        if self.ready.is_empty() && !self.range.is_empty() {
            self.fill().await?;
        }
        Ok(self.ready.pop_front())
    }

    /// Limits the range to the timeline's commits.
    async fn begin(&mut self) -> Result<()> {
        self.begun = true;
        let Some(state) = self.reader.timelines.state(self.timeline).await? else {
            self.range = Lsn::new(1)..=Lsn::ZERO;
            return Ok(());
        };
        let lowest = state.floor.max(state.timeline.base_lsn()).next();
        self.range = (*self.range.start()).max(lowest)..=(*self.range.end()).min(state.head.lsn);
        Ok(())
    }

    /// Reads the run of commits at the beginning of the range, or at its end if it is read
    /// backwards.
    async fn fill(&mut self) -> Result<()> {
        let (from, to) = (*self.range.start(), *self.range.end());
        let wanted = if self.direction == Direction::Ascending { from } else { to };
        let (mut damage, mut again) = (None, false);
        let timelines = Arc::clone(&self.reader.timelines);
        // An attempt decodes a whole delta.
        let mut backoff = Backoff::new(timelines.environment()).at_most(8);
        while backoff.attempt().await {
            match self.run(wanted, std::mem::replace(&mut again, true)).await {
                Ok(run) if !run.is_empty() => {
                    self.take(run);
                    return Ok(());
                }
                Ok(_) => {}
                // A batch that is emptied during the read may look damaged.
                Err(error) if error.kind() == ErrorKind::Corrupt => damage = Some(error),
                Err(error) => return Err(error),
            }
            let state = timelines.state(self.timeline).await?;
            if state.is_none_or(|state| state.floor >= wanted) {
                // It was removed meanwhile.
                self.begin().await?;
                return if self.range.is_empty() { Ok(()) } else { Box::pin(self.fill()).await };
            }
        }
        Err(damage.unwrap_or_else(|| {
            Error::corrupt(format!(
                "commit {wanted} of timeline {} is neither in a delta nor in the queue",
                self.timeline
            ))
        }))
    }

    /// Reads the commits of the range that are in one place with `wanted`, in ascending order.
    async fn run(&self, wanted: Lsn, again: bool) -> Result<Vec<Commit>> {
        let (reader, timeline) = (&self.reader, self.timeline);
        let timelines = &reader.timelines;
        let Some(place) = reader.place_of(timeline, wanted, again).await? else {
            return Ok(Vec::new());
        };
        let mut run = match place {
            CommitLocation::Delta(object) => delta::read(&*reader.objects, &object)
                .await?
                .map(|delta| delta.commits)
                .unwrap_or_default(),
            CommitLocation::Batch(batch, _) if self.direction == Direction::Descending => {
                let base = timelines.batch_state(timeline, batch).await?;
                let from = base.map_or(wanted, |state| state.timeline.base_lsn().next());
                let from = from.max(*self.range.start());
                let all = timelines.of_batch(timeline, batch, from, wanted, usize::MAX).await?;
                if all.last().is_none_or(|last| last.meta.lsn != wanted) {
                    return Ok(Vec::new());
                }
                all
            }
            CommitLocation::Batch(batch, last) => {
                let upto = last.min(*self.range.end());
                timelines.of_batch(timeline, batch, wanted, upto, PIECE_BYTES).await?
            }
        };
        run.retain(|commit| self.range.contains(&commit.meta.lsn));
        Ok(run)
    }

    fn take(&mut self, run: Vec<Commit>) {
        let (from, to) = (*self.range.start(), *self.range.end());
        let lsn = |commit: &Commit| commit.meta.lsn;
        if self.direction == Direction::Ascending {
            self.range = run.last().map_or(to, lsn).next()..=to;
            self.ready = run.into_iter().map(C::of).collect();
        } else {
            self.range = match run.first().map_or(from, lsn).back(1) {
                Some(below) => from..=below,
                None => Lsn::new(1)..=Lsn::ZERO,
            };
            self.ready = run.into_iter().rev().map(C::of).collect();
        }
    }
}
