//! Logs in front of other logs: what a trial does otherwise, and beneath it everything else.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Commit, Head, Lsn, Timeline, TimelineId};
use argon_core::storage::{
    Append, CommitStream, Direction, HeaderStream, IndexChanges, Reclaimed, RetainedStates,
    TimelineState, Usage, Wal,
};
use async_trait::async_trait;

/// What is done otherwise than by the log [beneath](Layer::beneath); [`Layered`] makes a log of it.
#[async_trait]
pub(crate) trait Layer: Send + Sync {
    fn beneath(&self) -> &dyn Wal;

    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        self.beneath().state(timeline).await
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        self.beneath().append(timeline, expected, commits, entries).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.beneath().seal(timeline, expected).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        self.beneath().read(timeline, range)
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        self.beneath().read_headers(timeline, range, direction)
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.beneath().prune(timeline, keep).await
    }
}

/// A [`Layer`] as a log.
pub(crate) struct Layered<T>(pub(crate) T);

#[async_trait]
impl<T: Layer> Wal for Layered<T> {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        self.0.state(timeline).await
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        self.0.append(timeline, expected, commits, entries).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.0.seal(timeline, expected).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        self.0.read(timeline, range)
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        self.0.read_headers(timeline, range, direction)
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.0.beneath().timelines().await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.0.prune(timeline, keep).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.0.beneath().prunable(timeline, keep).await
    }

    async fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        self.0.beneath().usage(timeline, keep).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.0.beneath().drop_timeline(timeline).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.0.beneath().droppable(timeline).await
    }
}
