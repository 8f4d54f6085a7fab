//! Garbage collection of the log: removes the objects whose commits no retained state needs.
//!
//! Core has made a snapshot of each retained state up to `from`, so no reader needs the log below `from`.
//! The segments and packs entirely below it are removed. First a *mark* of the timeline's floor is
//! written. Its name has the floor and comes first in the listing that shows the head, so the floor costs
//! no request of its own. Marks are never overwritten, and the highest one is valid, so the floor can't go
//! back. A reader that finds a gap reads the mark before it reports a missing commit.
//!
//! A segment's name is free once the segment is removed; `fence.rs` explains why no writer takes it. The
//! condition is that the segment is older than the grace time. So the log of the last hour stays.

use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{Reclaimed, RetainedStates, TimelineState, Usage};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::s3::bucket::Listed;
use crate::s3::log::append::LogWriter;
use crate::s3::log::fence::Fence;
use crate::s3::log::heads::Heads;
use crate::s3::log::segment_index::{SegmentIndex, SegmentListing, SegmentLocation};
use crate::s3::names;
use crate::s3::store::S3Store;

/// The most objects that are removed at once, and the removals between two looks at the clock.
const AT_ONCE: usize = 8;
const BATCH: usize = 64;

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::s3) enum Mode {
    Remove,
    /// Only count the objects.
    Count,
}

/// The objects of a timeline to remove.
struct Plan {
    /// The objects, lowest first.
    objects: Vec<SegmentLocation>,
    floor: Lsn,
}

impl Plan {
    fn freed(&self, state: &TimelineState) -> Reclaimed {
        let lowest = self.objects.first().map_or(self.floor, |location| {
            location.first.back(1).unwrap_or_default().max(state.timeline.base_lsn())
        });
        Reclaimed {
            commits: self.floor.get().saturating_sub(lowest.get()),
            bytes: self.objects.iter().map(|location| location.length).sum(),
            ..Reclaimed::default()
        }
    }
}

/// Removes the log that garbage collection does not retain.
pub(in crate::s3) struct Pruner {
    pub(super) store: Arc<S3Store>,
    pub(super) heads: Arc<Heads>,
    pub(super) index: Arc<SegmentIndex>,
    pub(super) writer: Arc<LogWriter>,
    pub(super) fence: Fence,
}

impl Pruner {
    /// Removes, or counts, the objects whose commits are all below the retained ones. Images are not
    /// counted, as the objects would have to be read.
    pub(in crate::s3) async fn prune(
        &self,
        timeline: TimelineId,
        keep: &RetainedStates,
        mode: Mode,
    ) -> Result<Reclaimed> {
        let memory = self.heads.of(timeline);
        let mut freed = Reclaimed::default();
        // A listing is valid for a part of the grace time only.
        'listing: loop {
            let asked = self.fence.now();
            let Some(state) = self.heads.ask(timeline, &memory).await?.state else {
                return Ok(freed);
            };
            let plan = self.plan(&state, keep).await?;
            if mode == Mode::Count {
                return Ok(plan.freed(&state));
            }
            if plan.objects.is_empty() {
                return Ok(freed);
            }
            self.raise_floor(timeline, plan.floor).await?;
            memory.forget_locations();
            freed.commits = freed.commits.max(plan.freed(&state).commits);
            for batch in plan.objects.chunks(BATCH) {
                if !self.fence.may_send(asked) {
                    continue 'listing;
                }
                self.remove(batch.iter().map(|location| location.name.clone())).await?;
                freed.bytes += batch.iter().map(|location| location.length).sum::<u64>();
            }
            return Ok(freed);
        }
    }

    /// The size of a timeline, by whole objects: the newest counts to the last state, those with retained
    /// commits to the window, and the others as free, although they may be too young to be removed. Single
    /// states have snapshots.
    pub(in crate::s3) async fn usage(
        &self,
        timeline: TimelineId,
        keep: &RetainedStates,
    ) -> Result<Usage> {
        let mut usage = Usage::default();
        let Some(state) = self.heads.state(timeline).await? else { return Ok(usage) };
        let from = keep.from.unwrap_or(state.head.lsn).max(state.timeline.base_lsn().next());
        let listing = self.index.list_all(timeline).await?;
        let first = first_kept(&listing, from.min(state.head.lsn), |_| false)?.unwrap_or_default();
        let newest = listing.segments.first().map(|location| location.first);
        for location in listing.segments.iter().chain(&listing.packs) {
            if Some(location.first) == newest {
                usage.head += location.length;
            } else if location.first >= first {
                usage.window += location.length;
            } else {
                usage.free += location.length;
            }
        }
        Ok(usage)
    }

    async fn plan(&self, state: &TimelineState, keep: &RetainedStates) -> Result<Plan> {
        let nothing = Plan { objects: Vec::new(), floor: state.floor };
        let from = keep.from.map_or(state.head.lsn, |from| from.min(state.head.lsn));
        // The log below the floor may be removed already.
        let from = from.max(state.floor.next());
        if from <= state.timeline.base_lsn().next() || from > state.head.lsn {
            return Ok(nothing);
        }
        let listing = self.index.list_all(state.timeline.id).await?;
        match first_kept(&listing, from, |location| self.is_young(location))? {
            Some(first) => Ok(Plan {
                objects: below(listing, first),
                floor: first.back(1).unwrap_or_default().max(state.timeline.base_lsn()),
            }),
            None => Ok(nothing),
        }
    }

    /// Whether a listed object may be younger than the grace time.
    fn is_young(&self, location: &SegmentLocation) -> bool {
        let grace = i64::try_from(self.store.bucket.settings.grace.as_secs()).unwrap_or(i64::MAX);
        // Both times have whole seconds.
        let age = |now: i64| now.saturating_sub(location.modified);
        self.store.bucket.meter.server_time().is_none_or(|now| age(now) <= grace)
    }

    /// Writes the mark of a timeline's floor, then removes the marks of lower floors.
    async fn raise_floor(&self, timeline: TimelineId, floor: Lsn) -> Result<()> {
        let bucket = &self.store.bucket;
        let folder = names::log_of(timeline);
        let marks = bucket.list_all(&names::floors_of(timeline)).await?;
        let of = |listed: &Listed| listed.name.strip_prefix(&folder).and_then(names::parse_floor);
        let highest = marks.iter().filter_map(of).max();
        if highest.is_none_or(|highest| highest < floor) {
            bucket.put_always(&names::floor(timeline, floor), &floor.to_string().into()).await?;
        }
        let highest = highest.map_or(floor, |highest| highest.max(floor));
        let lower = marks.iter().filter(|mark| of(mark).is_some_and(|mark| mark < highest));
        self.remove(lower.map(|mark| mark.name.clone())).await
    }

    /// Removes all objects of a timeline: first its snapshots and the objects below its newest segment,
    /// which shows that the timeline exists, then that segment, and the marks last. So after an
    /// interruption the rest reads as pruned, and another call continues.
    ///
    /// A timeline that was not sealed for the grace time is kept, so that no writer uses a name that
    /// becomes free; an open one is sealed. A later call removes it.
    pub(in crate::s3) async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        let memory = self.heads.of(timeline);
        let state = self.heads.ask(timeline, &memory).await?.state;
        if let Some(open) = state.filter(|state| !state.sealed) {
            self.writer.seal(&open.timeline, &open.head).await?;
            return Ok(Reclaimed::default());
        }
        let _writing = memory.writing.lock().await;
        let listing = self.index.list_all(timeline).await?;
        if self.has_young_head(&listing) {
            return Ok(Reclaimed::default());
        }
        let freed = freed_by_dropping(&listing, state.as_ref());
        if let Some(state) = state {
            self.raise_floor(timeline, state.head.lsn).await?;
        }
        let SegmentListing { mut segments, packs, .. } = listing;
        let newest = if segments.is_empty() { None } else { Some(segments.remove(0)) };
        let manifests = self.store.bucket.list_all(&names::manifests_of(timeline)).await?;
        self.remove(manifests.into_iter().map(|listed| listed.name)).await?;
        self.remove(packs.into_iter().chain(segments).map(|location| location.name)).await?;
        self.remove(newest.into_iter().map(|location| location.name)).await?;
        memory.forget_head();
        memory.forget_locations();
        let marks = self.store.bucket.list_all(&names::floors_of(timeline)).await?;
        self.remove(marks.into_iter().map(|listed| listed.name)).await?;
        Ok(freed)
    }

    /// The result that [`drop_timeline`](Self::drop_timeline) would have now.
    pub(in crate::s3) async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        let state = self.heads.state(timeline).await?;
        if state.as_ref().is_some_and(|state| !state.sealed) {
            return Ok(None);
        }
        let listing = self.index.list_all(timeline).await?;
        if self.has_young_head(&listing) {
            return Ok(None);
        }
        Ok(Some(freed_by_dropping(&listing, state.as_ref())))
    }

    /// Whether the newest segment is too young for the timeline to be dropped.
    fn has_young_head(&self, listing: &SegmentListing) -> bool {
        listing.segments.first().is_some_and(|newest| self.is_young(newest))
    }

    async fn remove(&self, names: impl IntoIterator<Item = String>) -> Result<()> {
        let names: Vec<String> = names.into_iter().collect();
        let bucket = &self.store.bucket;
        let removals = names.iter().map(|name| bucket.delete(name));
        stream::iter(removals.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
    }
}

/// The first commit of the lowest object that stays if the commits from `from` on stay, and all
/// segments that are too young to be removed.
fn first_kept(
    listing: &SegmentListing,
    from: Lsn,
    is_young: impl Fn(&SegmentLocation) -> bool,
) -> Result<Option<Lsn>> {
    let Some(location) = listing.covering_one(from)? else { return Ok(None) };
    let below = listing.segments.iter().filter(|segment| segment.first < location.first);
    let young = below.filter(|segment| is_young(segment)).map(|segment| segment.first).min();
    let Some(young) = young else { return Ok(Some(location.first)) };
    Ok(listing.covering_one(young)?.map(|location| location.first.min(young)))
}

/// The result of dropping the timeline with this state.
fn freed_by_dropping(listing: &SegmentListing, state: Option<&TimelineState>) -> Reclaimed {
    let commits = state.map_or(0, |state| state.head.lsn.get().saturating_sub(state.floor.get()));
    let all = listing.segments.iter().chain(&listing.packs);
    Reclaimed { commits, bytes: all.map(|location| location.length).sum(), ..Reclaimed::default() }
}

/// The objects that begin below `first`, the beginning of an object, lowest first; never the newest
/// segment.
fn below(listing: SegmentListing, first: Lsn) -> Vec<SegmentLocation> {
    let segments = listing.segments.into_iter().skip(1);
    let mut below: Vec<SegmentLocation> =
        segments.chain(listing.packs).filter(|location| location.first < first).collect();
    below.sort_by_key(|location| location.first);
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(first: u64, last: Option<u64>) -> SegmentLocation {
        let (first, last) = (Lsn::new(first), last.map(Lsn::new));
        SegmentLocation {
            first,
            last,
            name: String::new(),
            etag: String::new(),
            length: 0,
            modified: 0,
        }
    }

    fn first_kept(segments: &[u64], packs: &[(u64, u64)], from: u64, young: u64) -> Option<u64> {
        let listing = SegmentListing {
            segments: segments.iter().rev().map(|first| location(*first, None)).collect(),
            packs: packs.iter().rev().map(|(first, last)| location(*first, Some(*last))).collect(),
            all: true,
        };
        let is_young = |location: &SegmentLocation| location.first.get() >= young;
        super::first_kept(&listing, Lsn::new(from), is_young).unwrap().map(Lsn::get)
    }

    #[test]
    fn the_place_with_the_first_commit_stays_and_so_do_those_that_are_young() {
        let none = u64::MAX;
        assert_eq!(first_kept(&[1, 4, 7], &[], 5, none), Some(4));
        assert_eq!(first_kept(&[1, 4, 7], &[], 4, none), Some(4));
        assert_eq!(first_kept(&[1, 4, 7], &[], 7, 4), Some(4), "4 is young");
        assert_eq!(first_kept(&[1, 4, 7], &[], 7, 1), Some(1));
        assert_eq!(first_kept(&[9, 12], &[(1, 8)], 9, none), Some(9));
        assert_eq!(first_kept(&[9, 12], &[(1, 4), (1, 8)], 3, none), Some(1));
        assert_eq!(first_kept(&[9, 12], &[(1, 8), (5, 11)], 6, none), Some(5), "the longer one");
        assert_eq!(first_kept(&[3, 9, 12], &[(1, 8)], 12, 3), Some(1), "what is young has a pack");
    }
}
