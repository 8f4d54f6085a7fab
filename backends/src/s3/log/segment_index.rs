//! Where commits are: which segments and packs hold a range of them.

use std::ops::RangeInclusive;

use argon_core::model::{Lsn, TimelineId};
use argon_core::{Error, Result};
use futures::future::try_join;

use crate::s3::bucket::{Bucket, Listed, PAGE};
use crate::s3::names;

/// An object that holds commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentLocation {
    pub(super) first: Lsn,
    /// The last commit in it; `None` if that takes a look into it.
    pub(super) last: Option<Lsn>,
    pub(super) name: String,
    pub(super) etag: String,
    pub(super) length: u64,
    /// When it was written by the server's clock, in seconds since 1970; 0 if this process did.
    pub(super) modified: i64,
}

/// In which order segments and packs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// In the time of one round trip. If the packs are listed first, and a grace time passes before
    /// the segments are, there may be commits that neither shows.
    AtOnce,
    /// What covers a segment that is not there any more was there before, so packs show it.
    PacksLast,
}

/// The segments and packs that a listing showed, each newest first.
#[derive(Debug, Default)]
pub(super) struct SegmentIndex {
    pub(super) segments: Vec<SegmentLocation>,
    pub(super) packs: Vec<SegmentLocation>,
    /// Whether the listing of segments came to its end, so that none is older.
    pub(super) all: bool,
}

impl Bucket {
    /// The places that may hold commits of a range: segments down to the one in which the range
    /// begins, or to the oldest that is left, and packs.
    ///
    /// Both listings begin at the end of the range, so a read above a snapshot lists nothing below it
    /// but one segment.
    pub(super) async fn places(
        &self,
        timeline: TimelineId,
        range: &RangeInclusive<Lsn>,
        listing: Listing,
    ) -> Result<SegmentIndex> {
        let segments =
            self.list_down(names::log_of(timeline), range, |place, low| place.first <= low);
        let packs = self.list_down(names::packs_of(timeline), range, |place, low| {
            place.first <= low && place.last.is_some_and(|last| low <= last)
        });
        let ((segments, all), (packs, _)) = match listing {
            Listing::AtOnce => try_join(segments, packs).await?,
            Listing::PacksLast => (segments.await?, packs.await?),
        };
        Ok(SegmentIndex { segments, packs, all })
    }

    /// The places under `folder` that begin inside the range or before, newest first, down to one of
    /// which `holds` says that it holds the lowest; and whether there are no more.
    async fn list_down(
        &self,
        folder: String,
        range: &RangeInclusive<Lsn>,
        holds: impl Fn(&SegmentLocation, Lsn) -> bool,
    ) -> Result<(Vec<SegmentLocation>, bool)> {
        let (low, high) = (*range.start(), (*range.end()).min(Lsn::MAX));
        let span = high.get().saturating_sub(low.get()).saturating_add(2);
        let most = usize::try_from(span).map_or(PAGE, |span| span.min(PAGE));
        let mut found: Vec<SegmentLocation> = Vec::new();
        let mut after = names::before(&folder, high);
        loop {
            let page = self.list(&folder, Some(&after), most).await?;
            let Some(last) = page.objects.last() else { return Ok((found, true)) };
            after.clone_from(&last.name);
            found.extend(page.objects.into_iter().filter_map(|listed| place(&folder, listed)));
            if found.iter().any(|place| holds(place, low)) {
                return Ok((found, false));
            }
            if !page.more {
                return Ok((found, true));
            }
        }
    }
}

/// The place that a listed object is; objects of other names are none.
pub(super) fn place(folder: &str, listed: Listed) -> Option<SegmentLocation> {
    let (first, last) = names::parse_segment(listed.name.strip_prefix(folder)?)?;
    let Listed { name, etag, length, modified } = listed;
    Some(SegmentLocation { first, last, name, etag, length, modified })
}

impl SegmentIndex {
    /// Whether a pack holds the commit, or begins or ends with it.
    pub(super) fn is_packed(&self, lsn: Lsn) -> bool {
        self.packs.iter().any(|pack| holds(pack, lsn))
    }

    /// Places that hold the commits of a range, ascending and one after the other. The last commit
    /// of a segment is taken to be the one before the next place.
    ///
    /// What lies below the first place is left out if the listing went down to it. Whether the timeline
    /// begins there is for the reader to see.
    ///
    /// # Errors
    /// `Corrupt`, naming a commit that is in no place.
    pub(super) fn covering(&self, range: &RangeInclusive<Lsn>) -> Result<Vec<SegmentLocation>> {
        let mut found = Vec::new();
        let mut next = *range.start();
        if self.all {
            let lowest = self.segments.iter().chain(&self.packs).map(|place| place.first).min();
            next = next.max(lowest.unwrap_or(next));
        }
        while next <= *range.end() {
            let Some(place) = self.covering_one(next)? else { break };
            let last = place.last;
            found.push(place);
            match last {
                Some(last) => next = last.next(),
                None => break,
            }
        }
        Ok(found)
    }

    /// The place of one commit; `None` if there is nothing from it on.
    pub(super) fn covering_one(&self, lsn: Lsn) -> Result<Option<SegmentLocation>> {
        let longest =
            self.packs.iter().filter(|pack| holds(pack, lsn)).max_by_key(|pack| pack.last);
        if let Some(pack) = longest {
            return Ok(Some(pack.clone()));
        }
        let next = self.segments.iter().chain(&self.packs).map(|place| place.first);
        let next = next.filter(|first| *first > lsn).min();
        let segment =
            self.segments.iter().filter(|segment| segment.first <= lsn).max_by_key(|s| s.first);
        match (segment.filter(|segment| !self.is_packed(segment.first)), next) {
            (Some(segment), next) => {
                let last = next.and_then(|next| next.back(1));
                Ok(Some(SegmentLocation { last, ..segment.clone() }))
            }
            (None, None) => Ok(None),
            (None, Some(_)) => Err(missing(lsn)),
        }
    }
}

fn holds(pack: &SegmentLocation, lsn: Lsn) -> bool {
    pack.first <= lsn && pack.last.is_some_and(|last| lsn <= last)
}

/// The error about a commit that should be there.
pub(super) fn missing(lsn: Lsn) -> Error {
    Error::corrupt(format!("commit {lsn} is missing from the log"))
}

/// The error about a segment that goes on where another one begins.
pub(super) fn claimed_twice(place: &SegmentLocation, head: Lsn) -> Error {
    let next = place.last.map_or(head, Lsn::next);
    Error::corrupt(format!(
        "two segments claim commit {next}: {}, which ends with commit {head}, and one that begins \
         there",
        place.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(first: u64, last: Option<u64>) -> SegmentLocation {
        let name = last.map_or("segment", |_| "pack").to_owned();
        let (first, last) = (Lsn::new(first), last.map(Lsn::new));
        SegmentLocation { first, last, name, etag: String::new(), length: 0, modified: 0 }
    }

    fn places(segments: &[u64], packs: &[(u64, u64)]) -> SegmentIndex {
        SegmentIndex {
            segments: segments.iter().rev().map(|first| place(*first, None)).collect(),
            packs: packs.iter().rev().map(|(first, last)| place(*first, Some(*last))).collect(),
            all: true,
        }
    }

    fn covering(places: &SegmentIndex, range: RangeInclusive<u64>) -> Vec<(u64, Option<u64>)> {
        let range = Lsn::new(*range.start())..=Lsn::new(*range.end());
        let found = places.covering(&range).unwrap();
        found.iter().map(|place| (place.first.get(), place.last.map(Lsn::get))).collect()
    }

    #[test]
    fn segments_end_where_the_next_begins() {
        let places = places(&[1, 4, 5, 9], &[]);
        let all = [(1, Some(3)), (4, Some(4)), (5, Some(8)), (9, None)];
        assert_eq!(covering(&places, 0..=u64::MAX), all);
        assert_eq!(covering(&places, 4..=5), all[1..3]);
        assert_eq!(covering(&places, 100..=200), all[3..]);
    }

    #[test]
    fn packs_come_first_and_what_they_cover_is_ignored() {
        // 3 is what a writer left that came too late; 1, 5 and 7 were not removed yet.
        let places = places(&[1, 3, 5, 7, 9, 12], &[(1, 4), (1, 8), (5, 8)]);
        assert_eq!(covering(&places, 1..=20), [(1, Some(8)), (9, Some(11)), (12, None)]);
        assert_eq!(covering(&places, 3..=3), [(1, Some(8))]);
    }

    #[test]
    fn what_came_too_late_fills_no_hole() {
        let places = places(&[3, 20], &[(1, 8)]);
        let error = places.covering(&(Lsn::new(9)..=Lsn::new(9))).unwrap_err();
        assert!(error.to_string().contains("commit 9 "), "{error}");
    }

    #[test]
    fn a_hole_is_an_error_and_what_lies_below_the_first_commit_is_not() {
        let holed = places(&[20], &[(5, 8)]);
        assert_eq!(covering(&holed, 1..=6), [(5, Some(8))]);
        let error = holed.covering(&(Lsn::new(6)..=Lsn::new(30))).unwrap_err();
        assert!(error.to_string().contains("commit 9 "), "{error}");
        assert_eq!(covering(&places(&[], &[]), 1..=6), []);
    }
}
