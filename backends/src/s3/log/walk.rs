//! Walking a range of commits, place by place.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::Direction;
use argon_core::{Error, ErrorKind, Result};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesOrdered, StreamExt, TryStreamExt};

use crate::s3::log::Log;
use crate::s3::log::contents::{
    Contents, Item, WHOLE_FOR_HEADERS, WHOLE_WITH_DOCUMENTS, unreadable,
};
use crate::s3::log::segment_index::{SegmentLocation, claimed_twice, missing};

/// How many objects are fetched ahead, and how many bytes of them.
const AHEAD: usize = 16;
const AHEAD_BYTES: u64 = 4 * 1024 * 1024;

/// How many bytes of a large object are fetched at a time.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

/// How often objects may be gone that a listing showed, before that is an error. Compaction removes
/// what it replaced an hour ago, so once should do.
const MOST_PLANS: usize = 5;

/// A walk over the commits of a timeline.
struct LogWalk {
    log: Arc<Log>,
    timeline: TimelineId,
    /// What is left, both ends included; none when `low > high`.
    low: Lsn,
    high: Lsn,
    direction: Direction,
    /// The places that are left, in the order of the walk, once they were looked up.
    places: Option<VecDeque<SegmentLocation>>,
    /// Those that are being fetched, and the place that is being read.
    ahead: FuturesOrdered<BoxFuture<'static, Result<Fetched>>>,
    ahead_bytes: u64,
    open: Option<(SegmentLocation, Contents)>,
    plans: usize,
    /// The first commit of the lowest place that was looked up.
    lowest: Lsn,
}

struct Fetched {
    place: SegmentLocation,
    contents: Option<Contents>,
}

/// The commits of a timeline in `range`, as the contracts of `Wal` have it.
pub(super) fn walk<C: Item>(
    log: Arc<Log>,
    timeline: TimelineId,
    range: &RangeInclusive<Lsn>,
    direction: Direction,
) -> BoxStream<'static, Result<C>> {
    let walk = LogWalk {
        log,
        timeline,
        low: (*range.start()).max(Lsn::new(1)),
        high: (*range.end()).min(Lsn::MAX),
        direction,
        places: None,
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

impl LogWalk {
    /// The next commits, and the error about the one after them if it can't be read.
    async fn step<C: Item>(&mut self) -> Result<Option<(Vec<C>, Option<Error>)>> {
        loop {
            if self.low > self.high {
                return Ok(None);
            }
            if self.open.is_none() && !self.open_next::<C>().await? {
                return Ok(None);
            }
            let Some((place, contents)) = self.open.clone() else { continue };
            let Some(lsns) = self.piece::<C>(&contents) else {
                self.open = None;
                continue;
            };
            match self.log.store.read_contents::<C>(&contents, lsns.clone()).await? {
                None => self.plan_again(&place)?,
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

    /// The part of the open place that is read next; `None` when it has nothing more.
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

    /// Opens the next place; whether there is one.
    async fn open_next<C: Item>(&mut self) -> Result<bool> {
        if self.places.is_none() {
            self.places = Some(self.plan().await?);
        }
        self.fetch_ahead::<C>();
        let Some(fetched) = self.ahead.next().await else { return Ok(false) };
        let Fetched { place, contents } = fetched.map_err(|error| unreadable(self.low, error))?;
        self.ahead_bytes -= place.length.min(AHEAD_BYTES);
        let Some(contents) = contents else {
            self.plan_again(&place)?;
            return Ok(true);
        };
        let head = contents.footer.head().lsn;
        if place.last.is_some_and(|last| head > last) {
            return Err(claimed_twice(&place, head));
        }
        if place.last.is_some_and(|last| head < last && self.low <= last && head < self.high) {
            // A segment between this one and the next is not there (any more).
            return self.pass_gap(head.next().max(self.low)).await.map(|()| true);
        }
        let footer = &contents.footer;
        let begins_late = place.first == self.lowest && self.low < self.lowest;
        if begins_late && footer.before().lsn != footer.timeline().base_lsn() {
            // The segments below were not listed, and neither was the pack that they are in.
            let below = self.low.max(footer.timeline().base_lsn().next());
            if below < place.first {
                return self.pass_gap(below).await.map(|()| true);
            }
        }
        self.note(&place, head);
        self.open = Some((place, contents));
        Ok(true)
    }

    fn note(&self, place: &SegmentLocation, head: Lsn) {
        if place.first <= head {
            let place = SegmentLocation { last: Some(head), ..place.clone() };
            self.log.heads.of(self.timeline).note_place(place);
        }
    }

    fn fetch_ahead<C: Item>(&mut self) {
        let whole = if C::DOCUMENTS { WHOLE_WITH_DOCUMENTS } else { WHOLE_FOR_HEADERS };
        let Some(places) = &mut self.places else { return };
        while self.ahead.len() < AHEAD && (self.ahead.is_empty() || self.ahead_bytes < AHEAD_BYTES)
        {
            let Some(place) = places.pop_front() else { return };
            self.ahead_bytes += place.length.min(AHEAD_BYTES);
            let (store, timeline) = (self.log.store.clone(), self.timeline);
            self.ahead.push_back(Box::pin(async move {
                let contents = store.contents(timeline, &place, whole).await?;
                Ok(Fetched { place, contents })
            }));
        }
    }

    /// The places of what is left, in the order of the walk.
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
        let mut places = match memory.places(&range) {
            Some(places) => places,
            None => self.list(range).await?,
        };
        self.lowest = places.first().map_or(self.low, |place| place.first);
        if self.direction == Direction::Descending {
            places.reverse();
        }
        Ok(places.into())
    }

    /// The places of a range as they are listed. If some of it is in none, only what is above the
    /// floor counts.
    async fn list(&mut self, range: RangeInclusive<Lsn>) -> Result<Vec<SegmentLocation>> {
        let again = self.plans > 1;
        let listed = self.log.clone().listed(self.timeline, range, again).await;
        if !listed.as_ref().is_err_and(|error| error.kind() == ErrorKind::Corrupt)
            || !self.leave_out_pruned(self.low).await?
        {
            return listed;
        }
        let range = self.low..=self.high;
        if range.is_empty() {
            Ok(Vec::new())
        } else {
            self.log.clone().listed(self.timeline, range, true).await
        }
    }

    /// Goes on although a commit is in no object: above the floor if it is pruned, else after another
    /// look for the places.
    async fn pass_gap(&mut self, gap: Lsn) -> Result<()> {
        let pruned = self.leave_out_pruned(gap).await?;
        self.forget_plan();
        if pruned || self.plans < MOST_PLANS { Ok(()) } else { Err(missing(gap)) }
    }

    /// Whether a commit is pruned; leaves out all that is, then.
    async fn leave_out_pruned(&mut self, lsn: Lsn) -> Result<bool> {
        let floor = self.log.store.bucket.end(self.timeline).await?.floor;
        if floor < lsn {
            return Ok(false);
        }
        self.low = self.low.max(floor.next());
        Ok(true)
    }

    fn forget_plan(&mut self) {
        self.log.heads.of(self.timeline).forget_places();
        (self.places, self.open) = (None, None);
        (self.ahead, self.ahead_bytes) = (FuturesOrdered::new(), 0);
    }

    /// Looks for the places anew, since one that was listed is gone.
    fn plan_again(&mut self, gone: &SegmentLocation) -> Result<()> {
        self.forget_plan();
        if self.plans < MOST_PLANS {
            return Ok(());
        }
        Err(Error::corrupt(format!("the segment {} is not there", gone.name)))
    }
}
