//! What this process knows of timelines.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::TimelineState;

use crate::s3::log::fence::Moment;
use crate::s3::log::segment_index::SegmentLocation;

/// How many timelines are kept in mind, and how many places of each.
const MOST_TIMELINES: usize = 4096;
const MOST_PLACES: usize = 4096;

/// The end of a timeline, as it was at some moment or later.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownHead {
    /// `None` if nothing was ever appended.
    pub(super) state: Option<TimelineState>,
    /// The first commit of the newest segment, or the one that it seals before.
    pub(super) newest: Option<Lsn>,
    /// When it was asked for.
    pub(super) asked: Moment,
}

/// What is known of one timeline.
#[derive(Default)]
pub(super) struct TimelineMemory {
    /// Held while something is appended: writers of one process need not race.
    pub(super) writing: tokio::sync::Mutex<()>,
    known: Mutex<CachedTimeline>,
    /// Appends since compaction was last thought of, and whether it runs.
    pub(super) appends: AtomicU64,
    pub(super) compacting: AtomicBool,
    pub(super) looked: AtomicBool,
}

#[derive(Default)]
struct CachedTimeline {
    head: Option<KnownHead>,
    /// Where commits are, by the first of each place, all with their last.
    places: BTreeMap<Lsn, SegmentLocation>,
}

impl TimelineMemory {
    fn known(&self) -> MutexGuard<'_, CachedTimeline> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self) -> Option<KnownHead> {
        self.known().head
    }

    /// Notes a head, unless a newer one is known already.
    pub(super) fn note_head(&self, head: KnownHead) {
        let mut known = self.known();
        if known.head.is_none_or(|before| before.newest <= head.newest) {
            known.head = Some(head);
        }
    }

    pub(super) fn forget_head(&self) {
        self.known().head = None;
    }

    /// Notes where commits are; `place` has a last commit.
    pub(super) fn note_place(&self, place: SegmentLocation) {
        let mut known = self.known();
        if known.places.len() >= MOST_PLACES {
            known.places.clear();
        }
        known.places.insert(place.first, place);
    }

    pub(super) fn forget_places(&self) {
        self.known().places.clear();
    }

    /// Places that hold all commits of a range, ascending, if they are known.
    pub(super) fn places(&self, range: &RangeInclusive<Lsn>) -> Option<Vec<SegmentLocation>> {
        let known = self.known();
        let mut found = Vec::new();
        let mut next = *range.start();
        while next <= *range.end() {
            let (_, place) = known.places.range(..=next).next_back()?;
            let last = place.last.filter(|last| *last >= next)?;
            found.push(place.clone());
            next = last.next();
        }
        Some(found)
    }
}

/// What is known of all timelines.
#[derive(Default)]
pub(super) struct Heads {
    timelines: Mutex<HashMap<TimelineId, Arc<TimelineMemory>>>,
}

impl Heads {
    /// What is known of a timeline, the same for all who ask.
    pub(super) fn of(&self, timeline: TimelineId) -> Arc<TimelineMemory> {
        let mut timelines = self.timelines.lock().unwrap_or_else(PoisonError::into_inner);
        if timelines.len() >= MOST_TIMELINES && !timelines.contains_key(&timeline) {
            timelines.retain(|_, memory| Arc::strong_count(memory) > 1);
        }
        timelines.entry(timeline).or_default().clone()
    }
}
