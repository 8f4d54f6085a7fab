//! What the log says of a view above its snapshot: from memory, or by passes over the log where it
//! is too much for that.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::engine::lru::Lru;
use crate::engine::replay::cached_log::{CachedLog, Changed, DocumentPosition, Lsns, Page, Reach};
use crate::engine::replay::limits::Room;
use crate::engine::replay::log_scan::LogScan;
use crate::log::walk::above_of;
use crate::model::{CollectionId, Commit, Image, Lsn, Segment, Timeline, TimelineId, View};
use crate::storage::Wal;

/// How many segments of a view are read from the log at once.
const AT_ONCE: usize = 8;

/// How many changed documents are taken from memory at a time.
const PAGE: usize = 512;

/// What a stretch takes in memory without its commits.
const EMPTY: usize = 256;

/// A timeline and the position above which its commits are taken.
type Start = (TimelineId, Lsn);

type Slots = Lru<Start, LogSlot>;

/// The log, with the stretches of it that were read last in memory.
pub(super) struct Log {
    wal: Arc<dyn Wal>,
    slots: Mutex<Slots>,
    most_bytes: usize,
}

/// The commits of a timeline above a position.
#[derive(Clone)]
struct LogSlot {
    cached: Arc<CachedLog>,
    /// From this position on they are known to be more than there is room for.
    too_much: Option<Lsn>,
}

/// A stretch, and the commits of it that a view has.
type Part = (Arc<CachedLog>, Lsns);

/// What the log says of a view above a position.
#[derive(Clone)]
pub(super) enum LogAbove {
    /// It is in memory; leaf first, each with the commits that count.
    Memory(Arc<[Part]>),
    /// It does not fit.
    Log(LogScan),
}

impl Log {
    pub(super) fn new(wal: Arc<dyn Wal>, most_bytes: usize) -> Self {
        Self { wal, slots: Mutex::new(Lru::new(most_bytes)), most_bytes }
    }

    pub(super) fn wal(&self) -> &Arc<dyn Wal> {
        &self.wal
    }

    /// What the log says of a view above `above`; reads what is not in memory.
    pub(super) async fn above(&self, view: &View, above: Lsn) -> Result<LogAbove> {
        let segments = above_of(view, above);
        if let Some(leaf) = view.point().filter(|leaf| leaf.lsn == above) {
            // So that what is appended to it next is taken up.
            self.slot((leaf.timeline, above));
        }
        let room = Room::new(self.most_bytes);
        let mut reached: Vec<Part> = Vec::with_capacity(segments.len());
        let mut reads = stream::iter(segments.iter().copied())
            .map(|segment| self.cached(segment, &room))
            .buffered(AT_ONCE);
        while let Some(cached) = reads.try_next().await? {
            let Some(cached) = cached else {
                let scan = LogScan::new(self.wal.clone(), &segments, self.most_bytes);
                return Ok(LogAbove::Log(scan));
            };
            reached.push(cached);
        }
        reached.reverse();
        Ok(LogAbove::Memory(reached.into()))
    }

    /// Takes up commits that were appended to a timeline where those before them are in memory, so
    /// that a writer need not read back what it wrote.
    pub(super) fn appended(&self, timeline: Timeline, commits: &[Commit]) {
        let is_first = |commit: &Commit| commit.meta.lsn == timeline.base_lsn().next();
        if commits.first().is_some_and(is_first) {
            self.slot((timeline.id, timeline.base_lsn()));
        }
        let timeline = timeline.id;
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

    /// A segment in memory; `None` if there is no room for it.
    async fn cached(&self, segment: Segment, room: &Room) -> Result<Option<Part>> {
        let key = (segment.timeline, segment.above);
        if let Some((wider, slot)) = self.wider(segment)
            && let Some(part) = self.reach(wider, slot, segment, room).await?
        {
            return Ok(Some(part));
        }
        self.reach(key, self.slot(key), segment, room).await
    }

    /// What is in memory for an earlier snapshot and serves for this one too, unless there is
    /// something for this one. One that is large is left to be forgotten.
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

    async fn reach(
        &self,
        key: Start,
        slot: LogSlot,
        segment: Segment,
        room: &Room,
    ) -> Result<Option<Part>> {
        if slot.too_much.is_some_and(|lsn| segment.upto >= lsn) {
            return Ok(None);
        }
        let reached = slot.cached.reach(&*self.wal, segment.upto, room).await;
        let mut slots = self.slots();
        if let Ok(Reach::TooMuch(lsn)) = reached {
            // Whoever reads the part that is in memory may go on; nobody new gets it.
            let cached = Arc::new(CachedLog::new(key.0, key.1));
            slots.insert(key, LogSlot { cached, too_much: Some(lsn) }, EMPTY);
            return Ok(None);
        }
        slots.weigh(&key, EMPTY + slot.cached.bytes());
        Ok(match reached? {
            Reach::There => Some((slot.cached, Lsns { above: segment.above, upto: segment.upto })),
            Reach::NoRoom | Reach::TooMuch(_) => None,
        })
    }

    fn slot(&self, key: Start) -> LogSlot {
        let mut slots = self.slots();
        slots.get(&key).unwrap_or_else(|| {
            let slot = LogSlot { cached: Arc::new(CachedLog::new(key.0, key.1)), too_much: None };
            slots.insert(key, slot.clone(), EMPTY);
            slot
        })
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogAbove {
    /// The last images of some documents, whose keys are in ascending order; `None` for those that
    /// were not changed.
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

    /// The last changes of some documents, whose keys are in ascending order, and whether they
    /// deleted them; `None` for those that were not changed.
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

    /// The changed documents between two places, in order, with their last images. In bounded
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

/// The last image of a document: the one nearest the leaf.
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
    // From the root, so that what is nearer the leaf replaces it.
    for (cached, lsns) in cached_logs.iter().rev() {
        let (page, more) = cached.page(from.as_ref(), to.as_ref(), *lsns, PAGE);
        if let Some((last, _)) = page.last().filter(|_| more)
            && end.as_ref().is_none_or(|end| last < end)
        {
            end = Some(last.clone());
        }
        merged.extend(page);
    }
    // Beyond the least end of a page that is not the last, other pages may have more.
    if let Some(end) = &end {
        merged.retain(|place, _| place <= end);
    }
    (merged.into_iter().collect(), end.is_some())
}
