//! Reads the log of a view above its snapshot: from memory, or by passes over the log if it does
//! not fit.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::engine::lru::Lru;
use crate::engine::replay::cached_log::{
    CachedLog, Changed, DocumentPosition, LoadResult, Lsns, Page,
};
use crate::engine::replay::limits::Room;
use crate::engine::replay::log_scan::LogScan;
use crate::engine::replay::recent_changes::{LastChange, LastChanges, RecentChanges};
use crate::log::walk::above_of;
use crate::model::{CollectionId, Commit, Image, Lsn, Point, Segment, Timeline, TimelineId, View};
use crate::storage::Wal;

/// The number of segments of a view that are loaded concurrently.
const AT_ONCE: usize = 8;

/// The number of changed documents that are taken from memory at a time.
const PAGE: usize = 512;

/// The memory of an empty cached log.
const EMPTY: usize = 256;

/// A timeline and the position above which its commits are cached.
type Start = (TimelineId, Lsn);

type Slots = Lru<Start, LogSlot>;

/// The log, with the last used parts of it in memory.
pub(super) struct Log {
    wal: Arc<dyn Wal>,
    slots: Mutex<Slots>,
    recent: RecentChanges,
    most_bytes: usize,
}

/// The commits of a timeline above a position.
#[derive(Clone)]
struct LogSlot {
    cached: Arc<CachedLog>,
    /// From this position on, the commits are known not to fit.
    too_large_from: Option<Lsn>,
}

/// A cached log, and the range of its commits that a view includes.
type Part = (Arc<CachedLog>, Lsns);

/// The log of a view above a position.
#[derive(Clone)]
pub(super) enum LogAbove {
    /// In memory; leaf first, each with the range of commits that count.
    Memory(Arc<[Part]>),
    /// Too large for memory.
    Log(LogScan),
}

impl Log {
    pub(super) fn new(wal: Arc<dyn Wal>, most_bytes: usize) -> Self {
        let (slots, recent) = (Mutex::new(Lru::new(most_bytes)), RecentChanges::new(most_bytes));
        Self { wal, slots, recent, most_bytes }
    }

    pub(super) fn wal(&self) -> &Arc<dyn Wal> {
        &self.wal
    }

    /// Returns the log of a view above `above`; loads missing parts.
    pub(super) async fn above(&self, view: &View, above: Lsn) -> Result<LogAbove> {
        let segments = above_of(view, above);
        if let Some(leaf) = view.point().filter(|leaf| leaf.lsn == above) {
            // Creates the slot, so that commits appended later are cached.
            self.slot((leaf.timeline, above));
        }
        let room = Room::new(self.most_bytes);
        let mut loaded: Vec<Part> = Vec::with_capacity(segments.len());
        let mut reads = stream::iter(segments.iter().copied())
            .map(|segment| self.cached(segment, &room))
            .buffered(AT_ONCE);
        while let Some(cached) = reads.try_next().await? {
            let Some(cached) = cached else {
                let scan = LogScan::new(self.wal.clone(), &segments, self.most_bytes);
                return Ok(LogAbove::Log(scan));
            };
            loaded.push(cached);
        }
        loaded.reverse();
        Ok(LogAbove::Memory(loaded.into()))
    }

    /// Caches commits that were appended to a timeline whose previous commits are cached, so that a
    /// writer need not read back its own writes.
    pub(super) fn appended(&self, timeline: Timeline, commits: &[Commit]) {
        let is_first = |commit: &Commit| commit.meta.lsn == timeline.base_lsn().next();
        if commits.first().is_some_and(is_first) {
            self.slot((timeline.id, timeline.base_lsn()));
        }
        let timeline = timeline.id;
        self.recent.appended(timeline, commits, |before| self.last_changes(timeline, before));
        let keys = (timeline, Lsn::ZERO)..=(timeline, Lsn::new(u64::MAX));
        let mut slots = self.slots();
        let grown: Vec<(Start, usize)> = slots
            .range(keys)
            .filter(|(_, slot)| slot.cached.appended(commits, self.most_bytes))
            .map(|(key, slot)| (*key, slot.cached.bytes()))
            .collect();
        for (key, bytes) in grown {
            slots.weigh(&key, EMPTY + bytes);
        }
    }

    /// Returns the last changes of documents above `above` in a view, and whether they were
    /// deletions, if this process has appended all of them; see [`RecentChanges::of`].
    pub(super) fn recent(
        &self,
        view: &View,
        above: Lsn,
        collection: CollectionId,
        keys: &[Key],
    ) -> Option<Vec<Option<LastChange>>> {
        let head = view.point()?;
        self.recent.of(head.timeline, above, head.lsn, collection, keys)
    }

    /// Drops what only reads without the snapshot at `at` need.
    pub(super) fn snapshot_made(&self, at: Point) {
        self.recent.forget_up_to(at.timeline, at.lsn);
    }

    /// The last changes up to `upto` in the longest cached log that ends there.
    fn last_changes(&self, timeline: TimelineId, upto: Lsn) -> Option<(Lsn, LastChanges)> {
        let keys = (timeline, Lsn::ZERO)..=(timeline, upto);
        let cached = self.slots().range(keys).find_map(|((_, above), slot)| {
            (slot.cached.upto() == upto).then(|| (*above, slot.cached.clone()))
        });
        cached.map(|(above, cached)| (above, cached.last_changes()))
    }

    /// Returns a segment from memory; `None` if it does not fit.
    async fn cached(&self, segment: Segment, room: &Room) -> Result<Option<Part>> {
        let key = (segment.timeline, segment.above);
        if let Some((wider, slot)) = self.wider(segment)
            && let Some(part) = self.load(wider, slot, segment, room).await?
        {
            return Ok(Some(part));
        }
        self.load(key, self.slot(key), segment, room).await
    }

    /// Returns a cached log that starts at an earlier snapshot and also covers this one, unless
    /// this one has its own. A large one is left to be evicted.
    fn wider(&self, segment: Segment) -> Option<(Start, LogSlot)> {
        let Segment { timeline, above, .. } = segment;
        let mut slots = self.slots();
        let found = slots
            .range((timeline, Lsn::ZERO)..=(timeline, above))
            .filter(|((_, lowest), slot)| {
                let covers = slot.cached.upto() >= above;
                *lowest == above || (covers && slot.cached.bytes() <= self.most_bytes / 2)
            })
            .map(|(key, _)| *key)
            .last()?;
        slots.get(&found).filter(|_| found.1 < above).map(|slot| (found, slot))
    }

    async fn load(
        &self,
        key: Start,
        slot: LogSlot,
        segment: Segment,
        room: &Room,
    ) -> Result<Option<Part>> {
        if slot.too_large_from.is_some_and(|lsn| segment.upto >= lsn) {
            return Ok(None);
        }
        let loaded = slot.cached.load(&*self.wal, segment.upto, room).await;
        let mut slots = self.slots();
        if let Ok(LoadResult::TooLarge(lsn)) = loaded {
            // Readers that already use the cached log continue with it; new readers get a new one.
            let cached = Arc::new(CachedLog::new(key.0, key.1));
            slots.insert(key, LogSlot { cached, too_large_from: Some(lsn) }, EMPTY);
            return Ok(None);
        }
        slots.weigh(&key, EMPTY + slot.cached.bytes());
        Ok(match loaded? {
            LoadResult::Loaded => {
                Some((slot.cached, Lsns { above: segment.above, upto: segment.upto }))
            }
            LoadResult::NoRoom | LoadResult::TooLarge(_) => None,
        })
    }

    fn slot(&self, key: Start) -> LogSlot {
        let mut slots = self.slots();
        slots.get(&key).unwrap_or_else(|| {
            let slot =
                LogSlot { cached: Arc::new(CachedLog::new(key.0, key.1)), too_large_from: None };
            slots.insert(key, slot.clone(), EMPTY);
            slot
        })
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogAbove {
    /// Returns the last images of documents, whose keys are in ascending order; `None` for
    /// unchanged documents.
    pub(super) async fn images(
        &self,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<(Lsn, Image)>>> {
        match self {
            LogAbove::Memory(cached_logs) => Ok(keys
                .iter()
                .map(|key| last_image(cached_logs, &(collection, Some(key.clone()))))
                .collect()),
            LogAbove::Log(scan) => scan.images(collection, keys).await,
        }
    }

    /// Returns the last changes of documents, whose keys are in ascending order, and whether they
    /// were deletions; `None` for unchanged documents.
    pub(super) async fn stamps(
        &self,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<(Lsn, bool)>>> {
        match self {
            LogAbove::Memory(cached_logs) => Ok(keys
                .iter()
                .map(|key| {
                    let (lsn, image) = last_image(cached_logs, &(collection, Some(key.clone())))?;
                    Some((lsn, image == Image::Deleted))
                })
                .collect()),
            LogAbove::Log(scan) => scan.stamps(collection, keys).await,
        }
    }

    /// The changed documents between two positions, in order, with their last images. In bounded
    /// memory.
    pub(super) fn changed(
        self,
        from: Bound<DocumentPosition>,
        to: Bound<DocumentPosition>,
    ) -> BoxStream<'static, Result<Changed>> {
        let pages = stream::try_unfold(Some(from), move |from| {
            let (above, to) = (self.clone(), to.clone());
            async move {
                let Some(from) = from else { return Ok(None) };
                let (page, more) = above.page(&from, &to).await?;
                let rest = page.last().map(|(place, _)| Bound::Excluded(place.clone()));
                let page = stream::iter(page.into_iter().map(Ok));
                Ok::<_, crate::Error>(Some((page, rest.filter(|_| more))))
            }
        });
        pages.try_flatten().boxed()
    }

    async fn page(
        &self,
        from: &Bound<DocumentPosition>,
        to: &Bound<DocumentPosition>,
    ) -> Result<Page> {
        match self {
            LogAbove::Log(scan) => scan.page(from, to).await,
            LogAbove::Memory(cached_logs) => Ok(page_of(cached_logs, from, to)),
        }
    }
}

/// Returns the last image of a document: the one nearest the leaf.
fn last_image(cached_logs: &[Part], place: &DocumentPosition) -> Option<(Lsn, Image)> {
    cached_logs.iter().find_map(|(cached, lsns)| cached.image(place, *lsns))
}

fn page_of(
    cached_logs: &[Part],
    from: &Bound<DocumentPosition>,
    to: &Bound<DocumentPosition>,
) -> Page {
    if let [(cached, lsns)] = cached_logs {
        return cached.page(from.as_ref(), to.as_ref(), *lsns, PAGE);
    }
    let mut merged = BTreeMap::new();
    let mut end: Option<DocumentPosition> = None;
    // Start at the root, so that changes nearer to the leaf replace earlier ones.
    for (cached, lsns) in cached_logs.iter().rev() {
        let (page, more) = cached.page(from.as_ref(), to.as_ref(), *lsns, PAGE);
        if let Some((last, _)) = page.last().filter(|_| more)
            && end.as_ref().is_none_or(|end| last < end)
        {
            end = Some(last.clone());
        }
        merged.extend(page);
    }
    // Beyond the lowest end of a page that is not the last, other pages may have more.
    if let Some(end) = &end {
        merged.retain(|place, _| place <= end);
    }
    (merged.into_iter().collect(), end.is_some())
}
