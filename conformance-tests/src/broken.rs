//! Backends that each break one contract, to see that the suite notices.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon_core::Result;
use argon_core::key::Key;
use argon_core::model::{CollectionId, Commit, Head, Image, Lsn, Timeline, TimelineId, View};
use argon_core::storage::{
    Append, Backend, Capabilities, CasResult, CommitStream, Direction, HeaderStream, IndexChanges,
    KeyRange, Materialize, Reclaimed, RefName, RefVersion, Refs, RetainedStates, TimelineState,
    Version, VersionStamp, VersionStream, VersionedRef, Wal,
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, future, stream};

use crate::layer::{Layer, Layered};

/// Which contract is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breakage {
    /// An append goes after whatever the head is.
    AppendWithoutCompare,
    /// An append that lost says that it is done.
    AppendThatLies,
    /// An append stores half of its commits and says that it is done.
    AppendOfHalf,
    /// The head is now and then the one before.
    HeadThatGoesBack,
    /// Commits come in whatever order was asked for, highest first.
    ReadsHighestFirst,
    /// A descending read is ascending.
    ReadsOneWayOnly,
    /// The last document of a commit is left out.
    ReadsAPart,
    /// A seal is acknowledged and forgotten.
    SealThatDoesNotHold,
    /// A ref is set whatever it holds.
    SwapWithoutCompare,
    /// A list of refs is in another order.
    ListOutOfOrder,
    /// A list has all refs, whatever the prefix.
    ListWithoutPrefix,
    /// A ref's version is a function of its value.
    VersionsThatRepeat,
    /// Deleted documents come back.
    ReadsPastDeletions,
    /// A scan includes the end of its range.
    ScansTooFar,
    /// It says that it is durable, and forgets all.
    ForgetsEverything,
    /// Garbage collection heeds the states from one on, and no single ones.
    PrunesPoints,
}

impl Breakage {
    /// The backend with this contract broken.
    pub(crate) fn of(self, backend: Backend) -> Backend {
        let capabilities = match self {
            Breakage::ForgetsEverything => Capabilities { durable: true, ..backend.capabilities },
            _ => backend.capabilities,
        };
        let asked = AtomicU64::new(0);
        let materialize = backend.materialize.map(|inner| -> Arc<dyn Materialize> {
            Arc::new(BrokenMaterialize { inner, breakage: self })
        });
        Backend {
            wal: Arc::new(Layered(BrokenWal { inner: backend.wal, breakage: self, asked })),
            refs: Arc::new(BrokenRefs { inner: backend.refs, breakage: self }),
            materialize,
            capabilities,
            ..backend
        }
    }
}

struct BrokenWal {
    inner: Arc<dyn Wal>,
    breakage: Breakage,
    /// How often the state was asked for.
    asked: AtomicU64,
}

#[async_trait]
impl Layer for BrokenWal {
    fn beneath(&self) -> &dyn Wal {
        &*self.inner
    }

    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        let state = self.inner.state(timeline).await?;
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if self.breakage != Breakage::HeadThatGoesBack || asked % 7 != 6 {
            return Ok(state);
        }
        let Some(state) = state else { return Ok(None) };
        let before = Lsn::ZERO..=state.head.lsn.back(1).unwrap_or_default();
        let mut earlier = self.inner.read_headers(timeline, before, Direction::Descending);
        let head = earlier.try_next().await?.map_or(state.head, |commit| commit.head());
        Ok(Some(TimelineState { head, ..state }))
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        match self.breakage {
            Breakage::AppendWithoutCompare => loop {
                let state = self.inner.state(timeline.id).await?;
                let head = state.map_or(*expected, |state| state.head);
                let answer =
                    self.inner.append(timeline, &head, commits.clone(), entries.clone()).await?;
                if !matches!(answer, Append::HeadMoved(_)) {
                    return Ok(answer);
                }
            },
            Breakage::AppendThatLies => {
                self.inner.append(timeline, expected, commits, entries).await.map(|_| Append::Done)
            }
            Breakage::AppendOfHalf => {
                let half = commits[..commits.len().div_ceil(2)].into();
                self.inner.append(timeline, expected, half, entries).await
            }
            _ => self.inner.append(timeline, expected, commits, entries).await,
        }
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        match self.breakage {
            Breakage::SealThatDoesNotHold => Ok(Append::Done),
            _ => self.inner.seal(timeline, expected).await,
        }
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        let commits = self.inner.read(timeline, range);
        match self.breakage {
            Breakage::ReadsHighestFirst => reversed(commits),
            Breakage::ReadsAPart => commits
                .map_ok(|mut commit| {
                    commit.changes.pop();
                    commit
                })
                .boxed(),
            _ => commits,
        }
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        let direction = match self.breakage {
            Breakage::ReadsOneWayOnly => Direction::Ascending,
            _ => direction,
        };
        self.inner.read_headers(timeline, range, direction)
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        let no_points = RetainedStates { points: BTreeSet::new(), ..keep.clone() };
        let keep = if self.breakage == Breakage::PrunesPoints { &no_points } else { keep };
        self.inner.prune(timeline, keep).await
    }
}

fn reversed<T: Send + 'static>(
    items: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    let all = items.try_collect::<Vec<T>>();
    stream::once(all)
        .map_ok(|items| stream::iter(items.into_iter().rev().map(Ok)))
        .try_flatten()
        .boxed()
}

struct BrokenRefs {
    inner: Arc<dyn Refs>,
    breakage: Breakage,
}

impl BrokenRefs {
    fn shown(&self, stored: VersionedRef) -> VersionedRef {
        if self.breakage != Breakage::VersionsThatRepeat {
            return stored;
        }
        VersionedRef { version: version_of(&stored.value), ..stored }
    }
}

fn version_of(value: &[u8]) -> RefVersion {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    RefVersion(format!("{:x}", hasher.finish()))
}

#[async_trait]
impl Refs for BrokenRefs {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        Ok(self.inner.get(name).await?.map(|stored| self.shown(stored)))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let prefix = if self.breakage == Breakage::ListWithoutPrefix { "" } else { prefix };
        let mut listed = self.inner.list(prefix).await?;
        if self.breakage == Breakage::ListOutOfOrder {
            listed.reverse();
        }
        Ok(listed.into_iter().map(|(name, stored)| (name, self.shown(stored))).collect())
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        if self.breakage == Breakage::SwapWithoutCompare {
            loop {
                let current = self.inner.get(name).await?.map(|stored| stored.version);
                let swap =
                    self.inner.compare_and_set(name, current.as_ref(), value.clone()).await?;
                if let CasResult::Done(_) = swap {
                    return Ok(swap);
                }
            }
        }
        let current = self.inner.get(name).await?;
        let shown = current.clone().map(|stored| self.shown(stored));
        if shown.as_ref().map(|stored| &stored.version) != expected {
            return Ok(CasResult::Moved(shown));
        }
        let actual = current.map(|stored| stored.version);
        let swap = self.inner.compare_and_set(name, actual.as_ref(), value.clone()).await?;
        Ok(match (self.breakage, swap, value) {
            (Breakage::VersionsThatRepeat, CasResult::Done(Some(_)), Some(value)) => {
                CasResult::Done(Some(version_of(&value)))
            }
            (_, swap, _) => swap,
        })
    }
}

struct BrokenMaterialize {
    inner: Arc<dyn Materialize>,
    breakage: Breakage,
}

#[async_trait]
impl Materialize for BrokenMaterialize {
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>> {
        let found = self.inner.get(view, collection, key).await?;
        if found.is_some() || self.breakage != Breakage::ReadsPastDeletions {
            return Ok(found);
        }
        let mut images = self.inner.history(view, collection, key);
        while let Some((lsn, image)) = images.try_next().await? {
            if let Image::Document(document) = image {
                return Ok(Some(Version { lsn, document }));
            }
        }
        Ok(None)
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        self.inner.get_many(view, collection, keys).await
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>> {
        self.inner.stamps(view, collection, keys).await
    }

    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream {
        match (self.breakage, range.to.clone()) {
            (Breakage::ScansTooFar, Some(to)) => {
                let all = KeyRange { to: None, ..range };
                let scan = self.inner.scan(view, collection, all);
                scan.try_take_while(move |(key, _)| future::ok(*key <= to)).boxed()
            }
            _ => self.inner.scan(view, collection, range),
        }
    }

    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>> {
        self.inner.history(view, collection, key)
    }
}
