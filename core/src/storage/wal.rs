//! The write-ahead log.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::stream::BoxStream;

use crate::Result;
use crate::model::{Commit, Head, Lsn, Timeline, TimelineId, Touched};
use crate::storage::{IndexChanges, Reclaimed, RetainedStates, Usage};

/// Commits with their documents, in order.
pub type CommitStream = BoxStream<'static, Result<Commit>>;

/// Commits without their documents, in order.
pub type HeaderStream = BoxStream<'static, Result<Commit<Touched>>>;

/// The direction in which a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Lowest first.
    Ascending,
    /// Highest first.
    Descending,
}

/// The state of a timeline in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineState {
    /// Its identifier and base.
    pub timeline: Timeline,
    /// Its last commit; of a timeline without commits, the head on which it was sealed.
    pub head: Head,
    /// Whether it was [sealed](Wal::seal).
    pub sealed: bool,
    /// The last commit that was removed from the log; its base if none was.
    pub floor: Lsn,
}

/// The result of an append or a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Append {
    /// The append or seal is durable.
    Done,
    /// The timeline does not have the expected head; nothing was changed.
    HeadMoved(Head),
    /// The timeline takes no more commits; nothing was changed.
    Sealed(Head),
}

/// An append-only log for each timeline.
///
/// A timeline exists from its first append (or seal) on, which records its base. No operation
/// creates one, so a branch costs one ref and nothing else.
#[async_trait]
pub trait Wal: Send + Sync {
    /// Returns the state of a timeline, or `None` before its first append or seal.
    ///
    /// # Behavior
    /// 1. The head is durable, and never goes back: after a call that returned LSN n, every call in
    ///    every process returns at least n.
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>>;

    /// Appends `commits` after `expected`, all of them or none.
    ///
    /// # Behavior
    /// 1. It is a compare-and-set on the head of the timeline: of two appends that expect the same
    ///    head, at most one is [`Append::Done`]. For a timeline that does not exist yet, `expected`
    ///    is the head at its base, which is not compared with the stored one. With another LSN, the
    ///    timeline was [dropped](Wal::drop_timeline), and the answer is [`Append::Sealed`].
    /// 2. [`Append::Done`] means that all commits are durable against loss of power, and visible to
    ///    every later call.
    /// 3. Readers see the commits in order; never a commit without those before it, never a part
    ///    of one.
    /// 4. An error of any kind but `Indeterminate` means that nothing was changed. After
    ///    `Indeterminate`, either all commits are stored or none; the same append may be repeated.
    /// 5. The `entries` of indexes change in the same atomic step. If they are not for exactly the
    ///    maintained builds of the timeline ([`maintained`](crate::storage::maintained), of those
    ///    that it [continues](crate::storage::inherited) if it does not exist yet), nothing is changed,
    ///    and the answer is [`Append::HeadMoved`]. `None` ends the maintenance of all builds. A
    ///    backend without [`Indexes`](crate::storage::Indexes) ignores them.
    ///
    /// The caller has checked the commits: their LSNs follow `expected` without a gap, their
    /// digests chain from its digest, and there is at least one.
    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append>;

    /// Ends the timeline after `expected` for ever: every later append returns [`Append::Sealed`].
    ///
    /// A seal fences off writers when a branch is moved away from a timeline. Atomicity, durability
    /// and errors are those of [`append`](Wal::append); sealing a sealed timeline at its head is
    /// [`Append::Done`].
    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append>;

    /// Reads the commits of a timeline in `range`, ascending, with their documents.
    ///
    /// Positions outside the timeline's own commits are omitted without an error. At a commit that
    /// can't be read, the stream ends with an error of kind `Corrupt` that names it.
    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream;

    /// Reads the commits of a timeline in `range` without their documents. It costs less than
    /// [`read`](Wal::read), and is otherwise the same.
    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream;

    /// Lists the identifiers of all timelines, in any order.
    async fn timelines(&self) -> Result<Vec<TimelineId>>;

    /// Removes the data that no retained state of a timeline needs; does nothing if it does not
    /// exist.
    ///
    /// # Behavior
    /// 1. Every read of a retained state returns the same before, during and after the call, and
    ///    after a crash at any point of it; reads of other states may return anything, or an error.
    ///    Core publishes the retained states before it calls, and opens no other state from then on.
    /// 2. The commits below `keep.from` are removed from the log. If `from` is `None`, all commits may
    ///    be removed except the last of the timeline and those whose states are retained. The
    ///    timeline's [floor](TimelineState::floor) follows: it is below `keep.from`, never goes back,
    ///    and is durable before the first commit is removed. Its head, its base and its seal stay.
    /// 3. Appends, seals and reads of retained states may run at the same time.
    /// 4. It may be called again with the same or fewer states; removed data stays removed. A backend
    ///    need not remove all it could: one that removes whole objects keeps those of which a part is
    ///    needed.
    /// 5. For a backend without an index ([`Backend::materialize`](crate::storage::Backend) is `None`),
    ///    core makes a snapshot of each retained point and of `from` before the call.
    ///
    /// Memory is bounded, independently of the size of the timeline.
    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed>;

    /// Returns the data that [`prune`](Wal::prune) would remove, without a change.
    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed>;

    /// Returns the bytes of a timeline by the retained states that need them. O(versions) at most,
    /// in bounded memory.
    ///
    /// The default is for a backend that can't separate states at that cost: it calls
    /// [`prunable`](Wal::prunable) three times, counts the bytes of single states as shared, and
    /// the documents of the last commit without their overhead.
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

    /// Removes a timeline without retained states. After a crash, the timeline exists with a part
    /// of its commits, and another call removes it. A backend that can't remove it yet because of
    /// late writers seals it, and leaves it for a later call.
    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed>;

    /// Returns the data that [`drop_timeline`](Wal::drop_timeline) would remove, without a change;
    /// `None` if it would leave the timeline for a later call, or the timeline does not exist.
    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>>;
}
