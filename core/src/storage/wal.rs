//! The write-ahead log.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::Result;
use crate::model::{Commit, Head, Lsn, Timeline, TimelineId, Touched};

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
    ///    is the head at its base, and what is stored is not compared with it.
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
}
