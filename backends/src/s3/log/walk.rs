//! Reads of a range of commits, segment by segment.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::Direction;
use argon_core::{Error, ErrorKind, Result};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesOrdered, StreamExt, TryStreamExt};

use crate::s3::log::contents::{
    Contents, Item, SegmentReader, WHOLE_FOR_HEADERS, WHOLE_WITH_DOCUMENTS, unreadable,
};
use crate::s3::log::heads::Heads;
use crate::s3::log::segment_index::{
    Listing, SegmentIndex, SegmentLocation, claimed_twice, missing,
};

/// The most objects that are fetched ahead, and about the most bytes of them.
const AHEAD: usize = 16;
const AHEAD_BYTES: u64 = 4 * 1024 * 1024;

/// The most bytes of a large object in one request.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

/// The listings of a walk before a missing object is an error. Compaction removes an object an hour after
/// its pack was written, so two are enough.
const MOST_PLANS: usize = 5;

/// Reads the log.
pub(in crate::s3) struct LogReader {
    pub(super) heads: Arc<Heads>,
    pub(super) index: Arc<SegmentIndex>,
    pub(super) segments: Arc<SegmentReader>,
}

impl LogReader {
    /// The locations of the commits of a range, ascending.
    pub(super) async fn covering(
        &self,
        timeline: TimelineId,
        range: &RangeInclusive<Lsn>,
        listing: Listing,
    ) -> Result<Vec<SegmentLocation>> {
        self.index.list(timeline, range, listing).await?.covering(range)
    }

    /// The same in one round trip, or in two if that shows a gap or `again` is set.
    async fn covering_soon(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        again: bool,
    ) -> Result<Vec<SegmentLocation>> {
        if !again {
            let listed = self.covering(timeline, &range, Listing::AtOnce).await;
            if !listed.as_ref().is_err_and(|error| error.kind() == ErrorKind::Corrupt) {
                return listed;
            }
        }
        self.covering(timeline, &range, Listing::PacksLast).await
    }

    /// The commits of a timeline in `range`, as [`Wal`](argon_core::storage::Wal) promises.
    pub(in crate::s3) fn walk<C: Item>(
        self: &Arc<Self>,
        timeline: TimelineId,
        range: &RangeInclusive<Lsn>,
        direction: Direction,
    ) -> BoxStream<'static, Result<C>> {
        let walk = LogWalk {
            log: self.clone(),
            timeline,
            low: (*range.start()).max(Lsn::new(1)),
            high: (*range.end()).min(Lsn::MAX),
            direction,
            locations: None,
            ahead: FuturesOrdered::new(),
            ahead_bytes: 0,
            open: None,
            plans: 0,
            lowest: Lsn::ZERO,
        };
        stream::try_unfold(Some(walk), |walk| async {
            let Some(mut walk) = walk else { return Ok(None) };
            let Some((found, failed)) = walk.step::<C>().await? else { return Ok(None) };
            let items: Vec<Result<C>> = found.into_iter().map(Ok).chain(failed.map(Err)).collect();
            let more = !items.last().is_some_and(Result::is_err);
            Ok::<_, Error>(Some((stream::iter(items), more.then_some(walk))))
        })
        .try_flatten()
        .boxed()
    }
}

/// A walk over the commits of a timeline.
struct LogWalk {
    log: Arc<LogReader>,
    timeline: TimelineId,
    /// The remaining range, both ends included; empty when `low > high`.
    low: Lsn,
    high: Lsn,
    direction: Direction,
    /// The remaining locations, in the order of the walk, after the lookup.
    locations: Option<VecDeque<SegmentLocation>>,
    /// The objects that are being fetched, and the one that is read.
    ahead: FuturesOrdered<BoxFuture<'static, Result<Fetched>>>,
    ahead_bytes: u64,
    open: Option<(SegmentLocation, Contents)>,
    plans: usize,
    /// The first commit of the lowest location of the lookup.
    lowest: Lsn,
}

struct Fetched {
    location: SegmentLocation,
    contents: Option<Contents>,
}

impl LogWalk {
    /// The next commits, and the error about the one after them if that can't be read.
    async fn step<C: Item>(&mut self) -> Result<Option<(Vec<C>, Option<Error>)>> {
        loop {
            if self.low > self.high {
                return Ok(None);
            }
            if self.open.is_none() && !self.open_next::<C>().await? {
                return Ok(None);
            }
            let Some((location, contents)) = self.open.clone() else { continue };
            let Some(lsns) = self.piece::<C>(&contents) else {
                self.open = None;
                continue;
            };
            match self.log.segments.read::<C>(&contents, lsns.clone()).await? {
                None => self.plan_again(&location)?,
                Some((mut found, failed)) => {
                    match self.direction {
                        Direction::Ascending => self.low = lsns.end().next(),
                        Direction::Descending => {
                            found.reverse();
                            match lsns.start().back(1) {
                                Some(high) => self.high = high,
                                None => self.low = self.high.next(),
                            }
                        }
                    }
                    return Ok(Some((found, failed)));
                }
            }
        }
    }

    /// The next part of the open object; `None` at its end.
    fn piece<C: Item>(&self, contents: &Contents) -> Option<RangeInclusive<Lsn>> {
        let own = contents.footer.lsns();
        let low = self.low.max(*own.start());
        let high = self.high.min(*own.end());
        if low > high {
            return None;
        }
        Some(match self.direction {
            Direction::Ascending => low..=contents.piece::<C>(low, high, PIECE_BYTES),
            Direction::Descending => contents.piece::<C>(high, low, PIECE_BYTES)..=high,
        })
    }

    /// Opens the next object; `false` at the end.
    async fn open_next<C: Item>(&mut self) -> Result<bool> {
        if self.locations.is_none() {
            self.locations = Some(self.plan().await?);
        }
        self.fetch_ahead::<C>();
        let Some(fetched) = self.ahead.next().await else { return Ok(false) };
        let Fetched { location, contents } =
            fetched.map_err(|error| unreadable(self.low, error))?;
        self.ahead_bytes -= location.length.min(AHEAD_BYTES);
        let Some(contents) = contents else {
            self.plan_again(&location)?;
            return Ok(true);
        };
        let head = contents.footer.head().lsn;
        if location.last.is_some_and(|last| head > last) {
            return Err(claimed_twice(&location, head));
        }
        if location.last.is_some_and(|last| head < last && self.low <= last && head < self.high) {
            // A segment between this one and the next is missing.
            return self.pass_gap(head.next().max(self.low)).await.map(|()| true);
        }
        let footer = &contents.footer;
        let begins_late = location.first == self.lowest && self.low < self.lowest;
        if begins_late && footer.before().lsn != footer.timeline().base_lsn() {
            // Neither the segments below nor their pack was listed.
            let below = self.low.max(footer.timeline().base_lsn().next());
            if below < location.first {
                return self.pass_gap(below).await.map(|()| true);
            }
        }
        self.note(&location, head);
        self.open = Some((location, contents));
        Ok(true)
    }

    fn note(&self, location: &SegmentLocation, head: Lsn) {
        if location.first <= head {
            let location = SegmentLocation { last: Some(head), ..location.clone() };
            self.log.heads.of(self.timeline).note_location(location);
        }
    }

    fn fetch_ahead<C: Item>(&mut self) {
        let whole = if C::DOCUMENTS { WHOLE_WITH_DOCUMENTS } else { WHOLE_FOR_HEADERS };
        let Some(locations) = &mut self.locations else { return };
        while self.ahead.len() < AHEAD && (self.ahead.is_empty() || self.ahead_bytes < AHEAD_BYTES)
        {
            let Some(location) = locations.pop_front() else { return };
            self.ahead_bytes += location.length.min(AHEAD_BYTES);
            let (segments, timeline) = (self.log.segments.clone(), self.timeline);
            self.ahead.push_back(Box::pin(async move {
                let contents = segments.open(timeline, &location, whole).await?;
                Ok(Fetched { location, contents })
            }));
        }
    }

    /// The locations of the remaining range, in the order of the walk.
    async fn plan(&mut self) -> Result<VecDeque<SegmentLocation>> {
        self.plans += 1;
        let memory = self.log.heads.of(self.timeline);
        if let Some(state) = memory.head().and_then(|known| known.state) {
            self.low = self.low.max(state.floor.next());
        }
        let range = self.low..=self.high;
        if range.is_empty() {
            return Ok(VecDeque::new());
        }
        let mut locations = match memory.locations(&range) {
            Some(locations) => locations,
            None => self.list(range).await?,
        };
        self.lowest = locations.first().map_or(self.low, |location| location.first);
        if self.direction == Direction::Descending {
            locations.reverse();
        }
        Ok(locations.into())
    }

    /// The locations of a range from listings. If commits have none, the range is cut to those above the
    /// floor.
    async fn list(&mut self, range: RangeInclusive<Lsn>) -> Result<Vec<SegmentLocation>> {
        let again = self.plans > 1;
        let listed = self.log.covering_soon(self.timeline, range, again).await;
        if !listed.as_ref().is_err_and(|error| error.kind() == ErrorKind::Corrupt)
            || !self.leave_out_pruned(self.low).await?
        {
            return listed;
        }
        let range = self.low..=self.high;
        if range.is_empty() {
            Ok(Vec::new())
        } else {
            self.log.covering_soon(self.timeline, range, true).await
        }
    }

    /// Continues after a commit that is in no object: above the floor if it is pruned, else after another
    /// listing.
    async fn pass_gap(&mut self, gap: Lsn) -> Result<()> {
        let pruned = self.leave_out_pruned(gap).await?;
        self.forget_plan();
        if pruned || self.plans < MOST_PLANS { Ok(()) } else { Err(missing(gap)) }
    }

    /// Returns whether a commit is pruned; if so, the walk leaves out all pruned commits.
    async fn leave_out_pruned(&mut self, lsn: Lsn) -> Result<bool> {
        let floor = self.log.heads.end(self.timeline).await?.floor;
        if floor < lsn {
            return Ok(false);
        }
        self.low = self.low.max(floor.next());
        Ok(true)
    }

    fn forget_plan(&mut self) {
        self.log.heads.of(self.timeline).forget_locations();
        (self.locations, self.open) = (None, None);
        (self.ahead, self.ahead_bytes) = (FuturesOrdered::new(), 0);
    }

    /// Lists again, since a listed object is gone.
    fn plan_again(&mut self, gone: &SegmentLocation) -> Result<()> {
        self.forget_plan();
        if self.plans < MOST_PLANS {
            return Ok(());
        }
        Err(Error::corrupt(format!("the segment {} is missing", gone.name)))
    }
}
