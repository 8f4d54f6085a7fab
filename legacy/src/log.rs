//! The write-ahead log: appends go to the queue, reads see deltas and queue as one.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Commit, Head, Lsn, Timeline, TimelineId};
use argon_core::storage::{
    Append, CommitStream, Direction, HeaderStream, IndexChanges, Reclaimed, RetainedStates,
    TimelineState, Wal,
};
use async_trait::async_trait;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::engine::LegacyEngine;
use crate::prune::Mode;

/// The timelines whose states are read concurrently.
const AT_ONCE: usize = 16;

#[async_trait]
impl Wal for LegacyEngine {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        self.timelines.state(timeline).await
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        _: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        self.appender.append(timeline, expected, &commits).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.appender.seal(timeline, expected).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        self.reader.commits(timeline, range, Direction::Ascending)
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        self.reader.headers(timeline, range, direction)
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        // A dropped timeline keeps its record for a while, and so does one whose first append
        // failed.
        let looks = self.timelines.recorded().await?.into_iter().map(|timeline| async move {
            Ok(self.timelines.state(timeline).await?.map(|state| state.timeline.id))
        });
        let found = stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE);
        found
            .try_filter_map(|timeline: Option<TimelineId>| async move { Ok(timeline) })
            .boxed()
            .try_collect()
            .await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.pruner.prune(timeline, keep, Mode::Remove).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.pruner.prune(timeline, keep, Mode::Count).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.pruner.drop_timeline(timeline).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.pruner.droppable(timeline).await
    }
}
