//! The heads of timelines: how they are found, and what this process remembers of them.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::TimelineState;
use argon_core::{Error, Result};

use crate::s3::log::contents::{SegmentReader, WHOLE_FOR_HEADERS};
use crate::s3::log::fence::{Fence, Moment};
use crate::s3::log::segment_index::{SegmentLocation, location};
use crate::s3::names;
use crate::s3::store::S3Store;

/// The most timelines that are remembered, and the most segments of each.
const MOST_TIMELINES: usize = 4096;
const MOST_LOCATIONS: usize = 4096;

/// The most attempts to read a head that moves meanwhile.
pub(super) const MOST_ROUNDS: usize = 100;

/// The end of a timeline, as it was when it was asked for or later.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownHead {
    /// `None` for a timeline without segments.
    pub(super) state: Option<TimelineState>,
    /// The first commit of the newest segment, or the one that it seals before.
    pub(super) newest: Option<Lsn>,
    /// The time right before the request.
    pub(super) asked: Moment,
}

/// What this process remembers of one timeline.
#[derive(Default)]
pub(super) struct TimelineMemory {
    /// Held during an append: the writers of one process don't race.
    pub(super) writing: tokio::sync::Mutex<()>,
    known: Mutex<CachedTimeline>,
    /// The appends since the last compaction, whether one runs, and whether one ran before.
    pub(super) appends: AtomicU64,
    pub(super) compacting: AtomicBool,
    pub(super) compacted: AtomicBool,
}

#[derive(Default)]
struct CachedTimeline {
    head: Option<KnownHead>,
    /// Segments by their first commits, all with their last.
    locations: BTreeMap<Lsn, SegmentLocation>,
}

impl TimelineMemory {
    fn known(&self) -> MutexGuard<'_, CachedTimeline> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self) -> Option<KnownHead> {
        self.known().head
    }

    /// Remembers a head, unless a newer one is known.
    pub(super) fn note_head(&self, head: KnownHead) {
        let mut known = self.known();
        if known.head.is_none_or(|before| before.newest <= head.newest) {
            known.head = Some(head);
        }
    }

    pub(super) fn forget_head(&self) {
        self.known().head = None;
    }

    /// Remembers a location that has a last commit.
    pub(super) fn note_location(&self, location: SegmentLocation) {
        let mut known = self.known();
        if known.locations.len() >= MOST_LOCATIONS {
            known.locations.clear();
        }
        known.locations.insert(location.first, location);
    }

    pub(super) fn forget_locations(&self) {
        self.known().locations.clear();
    }

    /// The locations of all commits of a range, ascending, if they are known.
    pub(super) fn locations(&self, range: &RangeInclusive<Lsn>) -> Option<Vec<SegmentLocation>> {
        let known = self.known();
        let mut found = Vec::new();
        let mut next = *range.start();
        while next <= *range.end() {
            let (_, location) = known.locations.range(..=next).next_back()?;
            let last = location.last.filter(|last| *last >= next)?;
            found.push(location.clone());
            next = last.next();
        }
        Some(found)
    }
}

/// The heads of all timelines.
pub(in crate::s3) struct Heads {
    store: Arc<S3Store>,
    segments: Arc<SegmentReader>,
    fence: Fence,
    timelines: Mutex<HashMap<TimelineId, Arc<TimelineMemory>>>,
}

impl Heads {
    pub(super) fn new(store: Arc<S3Store>, segments: Arc<SegmentReader>, fence: Fence) -> Self {
        Self { store, segments, fence, timelines: Mutex::default() }
    }

    /// The memory of a timeline, the same for all callers.
    pub(super) fn of(&self, timeline: TimelineId) -> Arc<TimelineMemory> {
        let mut timelines = self.timelines.lock().unwrap_or_else(PoisonError::into_inner);
        if timelines.len() >= MOST_TIMELINES && !timelines.contains_key(&timeline) {
            timelines.retain(|_, memory| Arc::strong_count(memory) > 1);
        }
        timelines.entry(timeline).or_default().clone()
    }

    /// The state of a timeline, as the server shows it.
    pub(in crate::s3) async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        let memory = self.of(timeline);
        Ok(self.ask(timeline, &memory).await?.state)
    }

    /// Asks the server for the end of a timeline: one listing, and if it shows a new segment, a read of
    /// that segment's footer.
    pub(super) async fn ask(
        &self,
        timeline: TimelineId,
        memory: &TimelineMemory,
    ) -> Result<KnownHead> {
        for _ in 0..MOST_ROUNDS {
            let asked = self.fence.now();
            let End { newest, floor: mark } = self.end(timeline).await?;
            let Some(newest) = newest else {
                let known = KnownHead { state: None, newest: None, asked };
                memory.note_head(known);
                return Ok(known);
            };
            let first = newest.first;
            if let Some(known) = memory.head().filter(|known| known.newest == Some(first)) {
                let state = known.state.map(|state| with_floor(state, mark));
                let known = KnownHead { state, asked, ..known };
                memory.note_head(known);
                return Ok(known);
            }
            let contents = self.segments.open(timeline, &newest, WHOLE_FOR_HEADERS).await?;
            // It may be removed already, as a newer one exists.
            let Some(contents) = contents else { continue };
            let footer = &contents.footer;
            let (timeline, head) = (footer.timeline(), footer.head());
            let (sealed, floor) = (footer.sealed(), timeline.base_lsn());
            let state = with_floor(TimelineState { timeline, head, sealed, floor }, mark);
            let known = KnownHead { state: Some(state), newest: Some(first), asked };
            memory.note_head(known);
            if head.lsn >= first {
                memory.note_location(SegmentLocation { last: Some(head.lsn), ..newest });
            }
            return Ok(known);
        }
        Err(too_fast())
    }

    /// The end of a timeline: one listing of two names, as a timeline has at most one mark of its floor
    /// unless a prune was interrupted.
    pub(super) async fn end(&self, timeline: TimelineId) -> Result<End> {
        let folder = names::log_of(timeline);
        let (mut floor, mut after) = (Lsn::ZERO, None);
        loop {
            let page = self.store.bucket.list(&folder, after.as_deref(), 2).await?;
            for listed in page.objects {
                let name = listed.name.clone();
                if let Some(mark) = name.strip_prefix(&folder).and_then(names::parse_floor) {
                    floor = floor.max(mark);
                    after = Some(name);
                    continue;
                }
                let newest = location(&folder, listed).ok_or_else(|| {
                    Error::corrupt(format!("the object {name} does not belong there"))
                })?;
                return Ok(End { newest: Some(newest), floor });
            }
            if !page.more {
                return Ok(End { newest: None, floor });
            }
        }
    }
}

/// The end of a timeline.
pub(super) struct End {
    /// The newest segment.
    pub(super) newest: Option<SegmentLocation>,
    /// The commits up to this one are pruned; zero for none.
    pub(super) floor: Lsn,
}

/// The state of a timeline that is pruned up to `floor`, or higher.
fn with_floor(state: TimelineState, floor: Lsn) -> TimelineState {
    TimelineState { floor: state.floor.max(floor), ..state }
}

/// The error after [`MOST_ROUNDS`].
pub(super) fn too_fast() -> Error {
    Error::unavailable("other writers move the head of the timeline faster than it can be read")
}
