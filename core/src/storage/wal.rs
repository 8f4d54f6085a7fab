//! The write-ahead log.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::stream::BoxStream;

use crate::Result;
use crate::model::{Commit, Head, Lsn, Timeline, TimelineId, Touched};
use crate::storage::{Reclaimed, RetainedStates, Usage};

/// Commits with their documents, in order.
pub type CommitStream = BoxStream<'static, Result<Commit>>;

/// Commits without their documents, in order.
pub type HeaderStream = BoxStream<'static, Result<Commit<Touched>>>;

/// Which way a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Lowest first.
    Ascending,
    /// Highest first.
    Descending,
}

/// What a log knows of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineState {
    /// Its name and base.
    pub timeline: Timeline,
    /// Its last commit, or what it was sealed on if it has none of its own.
    pub head: Head,
    /// Whether it was [sealed](Wal::seal).
    pub sealed: bool,
    /// The commits up to this one are gone from the log; its base if none are.
    pub floor: Lsn,
}

/// What came of an append or a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Append {
    /// It is done and durable.
    Done,
    /// The timeline's head is another than was expected; nothing was changed.
    HeadMoved(Head),
    /// The timeline takes no more commits; nothing was changed.
    Sealed(Head),
}

/// An append-only log for each timeline.
///
/// A timeline exists from its first append (or seal) on, which records its base. There is no
/// operation to make one, so that a branch costs one ref and nothing else.
#[async_trait]
pub trait Wal: Send + Sync {
    /// The state of a timeline, or `None` if nothing was ever appended to it.
    ///
    /// # Behavior
    /// 1. The head that it gives is durable, and never goes back: who has seen LSN n sees at least
    ///    n from then on, in every process.
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>>;

    /// Appends `commits` after `expected`, all of them or none.
    ///
    /// # Behavior
    /// 1. It is a compare-and-set on the head of the timeline: of two appends that expect the same
    ///    head, at most one is [`Append::Done`]. For a timeline that does not exist yet, `expected`
    ///    is the head at its base, and what is stored is not compared with it; if it is another, the
    ///    timeline was [dropped](Wal::drop_timeline), and the answer is [`Append::Sealed`].
    /// 2. [`Append::Done`] means that all commits are durable against loss of power, and visible to
    ///    every later call.
    /// 3. Readers see the commits in order; never a commit without those before it, never a part
    ///    of one.
    /// 4. An error of any kind but `Indeterminate` means that nothing was changed. After
    ///    `Indeterminate`, either all commits are there or none; the same append may be tried again.
    ///
    /// The caller has checked the commits: their LSNs follow `expected` without a gap, their
    /// digests chain from its digest, and there is at least one.
    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
    ) -> Result<Append>;

    /// Ends the timeline after `expected`, for good: every later append gives [`Append::Sealed`].
    ///
    /// This is what fences off writers when a branch is moved away from a timeline. Atomicity,
    /// durability and errors are those of [`append`](Wal::append); sealing a sealed timeline at its
    /// head is [`Append::Done`].
    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append>;

    /// The commits of a timeline in `range`, ascending, with their documents.
    ///
    /// Positions outside the timeline's own commits are left out without an error. A commit that
    /// can't be read gives an error of kind `Corrupt` that names it; the stream ends there.
    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream;

    /// The commits of a timeline in `range` without their documents. It costs less than
    /// [`read`](Wal::read); otherwise the same.
    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream;

    /// The names of all timelines, in any order.
    async fn timelines(&self) -> Result<Vec<TimelineId>>;

    /// Removes what no kept state of a timeline needs. Nothing happens to one that does not exist.
    ///
    /// # Behavior
    /// 1. Every read of a kept state gives what it gave before, during the call, after it, and after
    ///    it was cut off anywhere; other states of the timeline may read as anything, or as an error.
    ///    Core publishes what is kept before it calls, and opens no other state from then on.
    /// 2. The commits below `keep.from` are removed from the log (all but the last of the timeline,
    ///    and those whose states are kept, may be, if `from` is `None`), and the timeline's
    ///    [floor](TimelineState::floor) says so: it is below `keep.from`, never goes back, and is
    ///    durable before the first commit is removed. Its head, its base and whether it is sealed stay.
    /// 3. Appends, seals and reads of kept states may go on meanwhile.
    /// 4. It may be called again with the same or less to keep; what is gone stays gone. It is not
    ///    owed that all is removed that could be: a backend that removes whole objects keeps those
    ///    of which a part is needed.
    /// 5. A backend without an index ([`Backend::materialize`](crate::storage::Backend) is `None`) finds
    ///    a snapshot of each kept point and of `from`, made by core before the call.
    ///
    /// Memory is bounded, whatever the size of the timeline.
    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed>;

    /// What [`prune`](Wal::prune) would free, without changing anything.
    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed>;

    /// What a timeline takes, by which of the kept states needs it. O(versions) at most, in bounded
    /// memory.
    ///
    /// A backend that can't tell states apart at that cost leaves this to the default, which asks
    /// [`prunable`](Wal::prunable) three times, and counts as shared what single states may have to
    /// themselves, and the documents of the last commit without what they take besides.
    async fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        let Some(state) = self.state(timeline).await? else { return Ok(Usage::default()) };
        let only_head = RetainedStates { from: keep.from.map(|_| state.head.lsn), ..keep.clone() };
        let free = self.prunable(timeline, keep).await?.bytes;
        let below_head = self.prunable(timeline, &only_head).await?.bytes.max(free);
        let mut last = self.read(timeline, state.head.lsn..=state.head.lsn);
        let last = last.try_next().await?.map_or(0, |commit| commit.document_bytes() as u64);
        // The last commit is never pruned.
        let all = self.prunable(timeline, &RetainedStates::default()).await?.bytes + last;
        let (window, rest) = (below_head - free, all.saturating_sub(below_head));
        let (head, shared) = if keep.points.is_empty() { (rest, 0) } else { (0, rest) };
        Ok(Usage { head, window, shared, free, ..Usage::default() })
    }

    /// Removes a timeline of which nothing is kept, so that it does not exist any more. Cut off, it is
    /// there with a part of its commits, and is removed by calling again. A backend that can't remove
    /// it yet without harm to a writer that is late seals it, and leaves it for a later call.
    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed>;

    /// What [`drop_timeline`](Wal::drop_timeline) would free, without changing anything; `None` if it
    /// would leave the timeline for a later call, or there is none.
    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>>;
}
