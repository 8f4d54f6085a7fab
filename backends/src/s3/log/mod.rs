//! The log: a segment for each append, named by its first commit.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `append` | appending and sealing by `If-None-Match: *` |
//! | `fence` | why a name that compaction freed is never taken: read this before you change the others |
//! | `heads` | what this process knows of timelines |
//! | `segment_index` | which objects hold a range of commits |
//! | `contents`, `walk` | reading them |
//! | `chain` | whether they follow each other |
//! | `compaction` | many small segments become packs |
//! | `prune` | what garbage collection removes |

mod append;
mod chain;
mod compaction;
mod contents;
pub(super) mod fence;
mod heads;
mod prune;
mod segment_index;
mod walk;

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::model::{Commit, Head, Lsn, Timeline, TimelineId};
use argon_core::storage::{
    Append, CommitStream, Direction, HeaderStream, Reclaimed, RetainedStates, TimelineState, Usage,
    Wal,
};
use argon_core::{ErrorKind, Result};
use async_trait::async_trait;

pub(super) use crate::s3::log::compaction::When;
use crate::s3::log::fence::Fence;
use crate::s3::log::heads::Heads;
use crate::s3::log::prune::Mode;
use crate::s3::log::segment_index::{Listing, SegmentLocation};
use crate::s3::names;
use crate::s3::store::S3Store;

/// The log of a store.
pub(super) struct Log {
    store: Arc<S3Store>,
    heads: Heads,
    fence: Fence,
}

impl Log {
    pub(super) fn new(store: Arc<S3Store>) -> Self {
        let fence = Fence::new(&store.environment, store.bucket.settings.grace);
        Self { store, heads: Heads::default(), fence }
    }

    /// The places of a range of commits, as listings show them, ascending.
    async fn listed_places(
        &self,
        timeline: TimelineId,
        range: &RangeInclusive<Lsn>,
        listing: Listing,
    ) -> Result<Vec<SegmentLocation>> {
        self.store.bucket.places(timeline, range, listing).await?.covering(range)
    }

    /// The same, listed in one round trip, or in two if that does not show all, or did not `again`.
    async fn listed(
        self: Arc<Self>,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        again: bool,
    ) -> Result<Vec<SegmentLocation>> {
        if !again {
            let listed = self.listed_places(timeline, &range, Listing::AtOnce).await;
            if !listed.as_ref().is_err_and(|error| error.kind() == ErrorKind::Corrupt) {
                return listed;
            }
        }
        self.listed_places(timeline, &range, Listing::PacksLast).await
    }

    /// The timelines that have a segment.
    pub(super) async fn timelines(&self) -> Result<Vec<TimelineId>> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.bucket.list_folder(names::LOG, after.as_deref()).await?;
            let ids =
                page.folders.iter().filter_map(|folder| names::split_timeline(names::LOG, folder));
            found.extend(ids.map(|(id, _)| id));
            match page.folders.last() {
                // The next name that is in none of these folders: '0' comes after '/'.
                Some(last) if page.more => after = Some(format!("{}0", last.trim_end_matches('/'))),
                _ => return Ok(found),
            }
        }
    }
}

/// [`Wal`] in a bucket.
pub(super) struct S3Wal(pub(super) Arc<Log>);

#[async_trait]
impl Wal for S3Wal {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        let memory = self.0.heads.of(timeline);
        Ok(self.0.ask(timeline, &memory).await?.state)
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
    ) -> Result<Append> {
        self.0.append_commits(timeline, expected, commits).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.0.seal_after(timeline, expected).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        walk::walk(self.0.clone(), timeline, &range, Direction::Ascending)
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        walk::walk(self.0.clone(), timeline, &range, direction)
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.0.timelines().await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.0.prune(timeline, keep, Mode::Remove).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.0.prune(timeline, keep, Mode::Count).await
    }

    async fn usage(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Usage> {
        self.0.usage(timeline, keep).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.0.drop_timeline(timeline).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.0.droppable(timeline).await
    }
}
