//! [`Wal`], by the parts that read, append to and prune timelines.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Commit, Head, Lsn, Timeline, TimelineId};
use argon_core::storage::{
    Append, CommitStream, Direction, HeaderStream, IndexChanges, Reclaimed, RetainedStates,
    TimelineState, Wal,
};
use async_trait::async_trait;

use super::append::Appends;
use super::log_walk::CommitWalk;
use super::prune::TimelineRemoval;
use super::removal::Mode;
use super::steps::steps;
use super::timeline::Timelines;

/// [`Wal`] over the collections of a store.
pub(super) struct MongoWal {
    pub(super) timelines: Arc<Timelines>,
    pub(super) appends: Appends,
    pub(super) removal: TimelineRemoval,
}

#[async_trait]
impl Wal for MongoWal {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        Ok(self.timelines.record(timeline).await?.map(|record| record.state))
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        self.appends.append(timeline, expected, &commits, entries.as_deref()).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.timelines.seal(timeline, expected).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        let walk = CommitWalk::new(self.timelines.clone(), timeline, &range, Direction::Ascending);
        steps(walk, CommitWalk::commits)
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        let walk = CommitWalk::new(self.timelines.clone(), timeline, &range, direction);
        steps(walk, CommitWalk::headers)
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.timelines.ids().await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.removal.prune(timeline, keep, Mode::Remove).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.removal.prune(timeline, keep, Mode::Count).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.removal.drop_timeline(timeline).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.removal.droppable(timeline).await
    }
}
