//! Reads from log and snapshots alone: the nearest snapshot below a view, and the commits above it.
//!
//! A read finds the snapshot (`base_snapshots.rs`), takes the changes since from the log
//! (`log_above.rs`: from memory, where `cached_log.rs` keeps them, or by `log_scan.rs`), and merges
//! them into the snapshot's chunks (`merge.rs`). The memory kept between reads is bounded
//! (`limits.rs`). What this process appended is known by key even where the documents do not fit
//! (`recent_changes.rs`).

mod base_snapshots;
mod cached_log;
mod limits;
mod log_above;
mod log_scan;
mod merge;
mod recent_changes;

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::document::key::Key;
use crate::engine::replay::base_snapshots::{BaseSnapshot, BaseSnapshots};
use crate::engine::replay::cached_log::DocumentPosition;
use crate::engine::replay::log_above::{Log, LogAbove};
use crate::engine::replay::merge::merge;
use crate::engine::snapshot::{Chunks, SnapshotReader};
use crate::log::walk::above_of;
use crate::model::{CollectionId, Commit, Image, Lsn, Point, Segment, Timeline, View};
use crate::storage::{KeyRange, Materialize, Snapshots, Version, VersionStamp, VersionStream, Wal};
use crate::{Error, Result};

pub(crate) use cached_log::Changed;
pub use limits::ReplayLimits;

/// [`Materialize`] for any backend, from [`Wal`] and [`Snapshots`].
///
/// The first read of a view costs one round of lookups of manifests, the log above the snapshot,
/// and the requested chunks. After that, the log up to the head and the last used chunks are in
/// memory, within [`ReplayLimits`]: a read at the same head costs at most its chunks, and one after
/// the head has moved, the commits in between. If more log above the snapshot exists than fits, a
/// read passes over its headers, and a scan over its commits, once for each page that fits.
pub struct LogMaterializer {
    source: Arc<Source>,
}

struct Source {
    log: Log,
    bases: BaseSnapshots,
    chunks: Arc<Chunks>,
}

impl LogMaterializer {
    /// Creates a materializer over this log and these snapshots.
    pub fn new(wal: Arc<dyn Wal>, snapshots: Arc<dyn Snapshots>) -> Self {
        Self::with_limits(wal, snapshots, ReplayLimits::default())
    }

    /// Creates a materializer with these memory limits.
    pub fn with_limits(
        wal: Arc<dyn Wal>,
        snapshots: Arc<dyn Snapshots>,
        limits: ReplayLimits,
    ) -> Self {
        let source = Source {
            log: Log::new(wal, limits.log),
            bases: BaseSnapshots::new(snapshots.clone(), limits.manifests),
            chunks: Arc::new(Chunks::new(snapshots, limits.chunks)),
        };
        Self { source: Arc::new(source) }
    }

    /// Caches commits that were just appended to a timeline, so that they are not read back.
    pub(crate) fn appended(&self, timeline: Timeline, commits: &[Commit]) {
        self.source.log.appended(timeline, commits);
    }

    /// Makes the next read at the end of a timeline look for its last snapshot, after one was made.
    pub(crate) fn snapshot_made(&self, at: Point) {
        self.source.bases.forget(at.timeline);
        self.source.log.snapshot_made(at);
    }

    /// Forgets the known snapshots, after one was removed or repaired. An older one stays valid
    /// when a newer one is made.
    pub(crate) fn forget_snapshots(&self) {
        self.source.bases.clear();
    }

    /// The documents of all collections that a view changed above `above`, by collection and key,
    /// with their last images, including deletions. In bounded memory.
    pub(crate) async fn changed(
        &self,
        view: &View,
        above: Lsn,
    ) -> Result<BoxStream<'static, Result<Changed>>> {
        let above = self.source.log.above(view, above).await?;
        Ok(above.changed(Bound::Unbounded, Bound::Unbounded))
    }
}

impl Source {
    /// Returns the snapshot of a view, and the log above it.
    async fn read(&self, view: &View) -> Result<(Option<SnapshotReader>, LogAbove)> {
        let mut base = self.bases.of(view).await?;
        let mut above = self.log.above(view, base.lsn()).await?;
        if let (LogAbove::Log(_), Some(leaf)) = (&above, view.point()) {
            // Check for a later snapshot, now or when this read is repeated.
            let before = base.lsn();
            self.bases.forget(leaf.timeline);
            base = self.bases.of(view).await?;
            if base.lsn() != before {
                above = self.log.above(view, base.lsn()).await?;
            }
        }
        Ok((self.reader(base), above))
    }

    fn reader(&self, base: BaseSnapshot) -> Option<SnapshotReader> {
        base.manifest.map(|manifest| SnapshotReader::cached(self.chunks.clone(), manifest))
    }

    /// Reads documents that the log did not change from the snapshot.
    async fn complete<T, U>(
        &self,
        snapshot: Option<&SnapshotReader>,
        collection: CollectionId,
        keys: &[Key],
        changed: Vec<Option<T>>,
        from_log: impl Fn(T) -> Option<U>,
        from_snapshot: impl Fn(Version) -> U,
    ) -> Result<Vec<Option<U>>> {
        let unchanged = keys.iter().zip(&changed).filter(|(_, changed)| changed.is_none());
        let unchanged: Vec<&Key> = unchanged.map(|(key, _)| key).collect();
        let stored = match snapshot {
            Some(snapshot) => snapshot.get_many(collection, &unchanged).await?,
            None => vec![None; unchanged.len()],
        };
        let mut stored = stored.into_iter();
        let found = changed.into_iter().map(|changed| match changed {
            Some(changed) => from_log(changed),
            None => stored.next().flatten().map(&from_snapshot),
        });
        Ok(found.collect())
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<Version>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (snapshot, above) = self.read(view).await?;
        let changed = above.images(collection, keys).await?;
        let version = |(lsn, image): (Lsn, Image)| {
            image.into_document().map(|document| Version { lsn, document })
        };
        self.complete(snapshot.as_ref(), collection, keys, changed, version, |stored| stored).await
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<VersionStamp>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let base = self.bases.of(view).await?;
        let (snapshot, changed) = match self.log.recent(view, base.lsn(), collection, keys) {
            Some(changed) => (self.reader(base), changed),
            None => {
                let (snapshot, above) = self.read(view).await?;
                (snapshot, above.stamps(collection, keys).await?)
            }
        };
        let stamp = |(lsn, deleted): (Lsn, bool)| (!deleted).then_some(VersionStamp { lsn });
        let stored = |version: Version| VersionStamp { lsn: version.lsn };
        self.complete(snapshot.as_ref(), collection, keys, changed, stamp, stored).await
    }

    /// Returns whether to repeat a read after this error: its snapshot may have been dropped since
    /// the lookup, and its chunks with it.
    fn is_stale(&self, view: &View, error: &Error) -> bool {
        if error.kind() != crate::ErrorKind::Corrupt {
            return false;
        }
        if let Some(leaf) = view.point() {
            self.bases.forget(leaf.timeline);
        }
        true
    }
}

#[async_trait]
impl Materialize for LogMaterializer {
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>> {
        Ok(self.get_many(view, collection, vec![key.clone()]).await?.pop().flatten())
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        match self.source.get_many(view, collection, &keys).await {
            Err(error) if self.source.is_stale(view, &error) => {
                self.source.get_many(view, collection, &keys).await
            }
            found => found,
        }
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>> {
        match self.source.stamps(view, collection, &keys).await {
            Err(error) if self.source.is_stale(view, &error) => {
                self.source.stamps(view, collection, &keys).await
            }
            found => found,
        }
    }

    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream {
        let (source, view) = (self.source.clone(), view.clone());
        if range.from.as_ref().zip(range.to.as_ref()).is_some_and(|(from, to)| from >= to) {
            return stream::empty().boxed();
        }
        stream::once(async move {
            let (snapshot, above) = match source.read(&view).await {
                Err(error) if source.is_stale(&view, &error) => source.read(&view).await?,
                found => found?,
            };
            let (from, to) = places(collection, &range);
            let chunks = match snapshot {
                Some(snapshot) => snapshot.chunks_in(collection, &range),
                None => stream::empty().boxed(),
            };
            let versions = merge(above.changed(from, to), chunks, range);
            Ok::<_, Error>(versions.inspect_err(move |error| {
                source.is_stale(&view, error);
            }))
        })
        .try_flatten()
        .boxed()
    }

    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>> {
        let wal = self.source.log.wal().clone();
        let segments: Arc<[Segment]> = above_of(view, Lsn::ZERO).into();
        let wanted = key.clone();
        let mut expected = view.lsn();
        // Where commits were collected, history ends.
        let unbroken = log_scan::headers(&wal, &segments).try_take_while(move |commit| {
            let follows = commit.meta.lsn == expected;
            expected = commit.meta.lsn.back(1).unwrap_or_default();
            std::future::ready(Ok(follows))
        });
        let touched = unbroken.try_filter_map(move |commit| {
            let touches = commit
                .changes
                .iter()
                .any(|change| change.collection == collection && change.key == wanted);
            std::future::ready(Ok(touches.then_some(commit.meta.lsn)))
        });
        let key = key.clone();
        log_scan::single_commits(wal, segments, touched)
            .try_filter_map(move |commit| {
                let lsn = commit.meta.lsn;
                let mut changes = commit.changes.into_iter();
                let change =
                    changes.find(|change| change.collection == collection && change.key == key);
                std::future::ready(Ok(change.map(|change| (lsn, change.image))))
            })
            .boxed()
    }
}

/// The positions between which the documents of a range are.
fn places(
    collection: CollectionId,
    range: &KeyRange,
) -> (Bound<DocumentPosition>, Bound<DocumentPosition>) {
    let from = Bound::Included((collection, range.from.clone()));
    let to = match &range.to {
        Some(to) => Bound::Excluded((collection, Some(to.clone()))),
        None => match collection.get().checked_add(1) {
            Some(next) => Bound::Excluded((CollectionId::new(next), None)),
            None => Bound::Unbounded,
        },
    };
    (from, to)
}
