//! The index of segments: which segments and packs hold a range of commits. It consists of listings.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::model::{Lsn, TimelineId};
use argon_core::{Error, Result};
use futures::future::try_join;

use crate::s3::bucket::{Listed, PAGE};
use crate::s3::names;
use crate::s3::store::S3Store;

/// An object that holds commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentLocation {
    pub(super) first: Lsn,
    /// The last commit in it; `None` if only the segment itself shows it.
    pub(super) last: Option<Lsn>,
    pub(super) name: String,
    pub(super) etag: String,
    pub(super) length: u64,
    /// When it was written by the server's clock, in seconds since 1970; 0 if this process did.
    pub(super) modified: i64,
}

/// The order in which segments and packs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// In the time of one round trip. If the server lists the packs first, and the segments a grace
    /// time later, there may be commits that neither shows.
    AtOnce,
    /// The pack of a segment that is removed was there before, so this shows it.
    PacksLast,
}

/// The segments and packs that a listing showed, each newest first.
#[derive(Debug, Default)]
pub(super) struct SegmentListing {
    pub(super) segments: Vec<SegmentLocation>,
    pub(super) packs: Vec<SegmentLocation>,
    /// Whether the listing of segments came to its end, so no older one exists.
    pub(super) all: bool,
}

/// Finds segments and packs by listings.
pub(in crate::s3) struct SegmentIndex {
    store: Arc<S3Store>,
}

impl SegmentIndex {
    pub(super) fn new(store: Arc<S3Store>) -> Self {
        Self { store }
    }

    /// Lists the objects that may hold commits of a range: segments down to the one in which the range
    /// begins, or to the oldest, and packs.
    ///
    /// Both listings begin at the end of the range, so a read above a snapshot lists only one segment
    /// below it.
    pub(super) async fn list(
        &self,
        timeline: TimelineId,
        range: &RangeInclusive<Lsn>,
        listing: Listing,
    ) -> Result<SegmentListing> {
        let segments =
            self.list_down(names::log_of(timeline), range, |found, low| found.first <= low);
        let packs = self.list_down(names::packs_of(timeline), range, |found, low| {
            found.first <= low && found.last.is_some_and(|last| low <= last)
        });
        let ((segments, all), (packs, _)) = match listing {
            Listing::AtOnce => try_join(segments, packs).await?,
            Listing::PacksLast => (segments.await?, packs.await?),
        };
        Ok(SegmentListing { segments, packs, all })
    }

    /// All segments and packs of a timeline, newest first.
    pub(super) async fn list_all(&self, timeline: TimelineId) -> Result<SegmentListing> {
        let (log, packs) = (names::log_of(timeline), names::packs_of(timeline));
        let bucket = &self.store.bucket;
        let (segments, packed) = try_join(bucket.list_all(&log), bucket.list_all(&packs)).await?;
        Ok(SegmentListing {
            segments: segments.into_iter().filter_map(|listed| location(&log, listed)).collect(),
            packs: packed.into_iter().filter_map(|listed| location(&packs, listed)).collect(),
            all: true,
        })
    }

    /// The timelines that have a segment.
    pub(in crate::s3) async fn timelines(&self) -> Result<Vec<TimelineId>> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.bucket.list_folder(names::LOG, after.as_deref()).await?;
            let ids =
                page.folders.iter().filter_map(|folder| names::split_timeline(names::LOG, folder));
            found.extend(ids.map(|(id, _)| id));
            match page.folders.last() {
                // The next name that is in none of these folders: '0' comes after '/'.
                Some(last) if page.more => after = Some(format!("{}0", last.trim_end_matches('/'))),
                _ => return Ok(found),
            }
        }
    }

    /// Lists the objects under `folder` that begin inside the range or before it, newest first, down to
    /// one that `holds` the lowest commit. Also returns whether the listing came to its end.
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
            let page = self.store.bucket.list(&folder, Some(&after), most).await?;
            let Some(last) = page.objects.last() else { return Ok((found, true)) };
            after.clone_from(&last.name);
            found.extend(page.objects.into_iter().filter_map(|listed| location(&folder, listed)));
            if found.iter().any(|found| holds(found, low)) {
                return Ok((found, false));
            }
            if !page.more {
                return Ok((found, true));
            }
        }
    }
}

/// The location that a listed object is; `None` for an object of another kind of name.
pub(super) fn location(folder: &str, listed: Listed) -> Option<SegmentLocation> {
    let (first, last) = names::parse_segment(listed.name.strip_prefix(folder)?)?;
    let Listed { name, etag, length, modified } = listed;
    Some(SegmentLocation { first, last, name, etag, length, modified })
}

impl SegmentListing {
    /// Whether a pack holds the commit, or begins or ends with it.
    pub(super) fn is_packed(&self, lsn: Lsn) -> bool {
        self.packs.iter().any(|pack| holds(pack, lsn))
    }

    /// The locations of the commits of a range, ascending and without gaps between them. The last commit
    /// of a segment is assumed to be the one before the next location.
    ///
    /// If the listing came to its end, the commits below the lowest location are left out. The reader
    /// checks whether the timeline begins there.
    ///
    /// # Errors
    /// `Corrupt`, naming a commit without a location.
    pub(super) fn covering(&self, range: &RangeInclusive<Lsn>) -> Result<Vec<SegmentLocation>> {
        let mut found = Vec::new();
        let mut next = *range.start();
        if self.all {
            let lowest =
                self.segments.iter().chain(&self.packs).map(|location| location.first).min();
            next = next.max(lowest.unwrap_or(next));
        }
        while next <= *range.end() {
            let Some(location) = self.covering_one(next)? else { break };
            let last = location.last;
            found.push(location);
            match last {
                Some(last) => next = last.next(),
                None => break,
            }
        }
        Ok(found)
    }

    /// The location of one commit; `None` if neither it nor a later one has a location.
    pub(super) fn covering_one(&self, lsn: Lsn) -> Result<Option<SegmentLocation>> {
        let longest =
            self.packs.iter().filter(|pack| holds(pack, lsn)).max_by_key(|pack| pack.last);
        if let Some(pack) = longest {
            return Ok(Some(pack.clone()));
        }
        let next = self.segments.iter().chain(&self.packs).map(|location| location.first);
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

/// The error about a commit without a location.
pub(super) fn missing(lsn: Lsn) -> Error {
    Error::corrupt(format!("commit {lsn} is missing from the log"))
}

/// The error about a segment that continues where another one begins.
pub(super) fn claimed_twice(location: &SegmentLocation, head: Lsn) -> Error {
    let next = location.last.map_or(head, Lsn::next);
    Error::corrupt(format!(
        "two segments claim commit {next}: {}, which ends with commit {head}, and one that begins \
         there",
        location.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(first: u64, last: Option<u64>) -> SegmentLocation {
        let name = last.map_or("segment", |_| "pack").to_owned();
        let (first, last) = (Lsn::new(first), last.map(Lsn::new));
        SegmentLocation { first, last, name, etag: String::new(), length: 0, modified: 0 }
    }

    fn listing(segments: &[u64], packs: &[(u64, u64)]) -> SegmentListing {
        SegmentListing {
            segments: segments.iter().rev().map(|first| location(*first, None)).collect(),
            packs: packs.iter().rev().map(|(first, last)| location(*first, Some(*last))).collect(),
            all: true,
        }
    }

    fn covering(listing: &SegmentListing, range: RangeInclusive<u64>) -> Vec<(u64, Option<u64>)> {
        let range = Lsn::new(*range.start())..=Lsn::new(*range.end());
        let found = listing.covering(&range).unwrap();
        found.iter().map(|location| (location.first.get(), location.last.map(Lsn::get))).collect()
    }

    #[test]
    fn segments_end_where_the_next_begins() {
        let listing = listing(&[1, 4, 5, 9], &[]);
        let all = [(1, Some(3)), (4, Some(4)), (5, Some(8)), (9, None)];
        assert_eq!(covering(&listing, 0..=u64::MAX), all);
        assert_eq!(covering(&listing, 4..=5), all[1..3]);
        assert_eq!(covering(&listing, 100..=200), all[3..]);
    }

    #[test]
    fn packs_come_first_and_what_they_cover_is_ignored() {
        // 3 is what a writer left that came too late; 1, 5 and 7 were not removed yet.
        let listing = listing(&[1, 3, 5, 7, 9, 12], &[(1, 4), (1, 8), (5, 8)]);
        assert_eq!(covering(&listing, 1..=20), [(1, Some(8)), (9, Some(11)), (12, None)]);
        assert_eq!(covering(&listing, 3..=3), [(1, Some(8))]);
    }

    #[test]
    fn what_came_too_late_fills_no_hole() {
        let listing = listing(&[3, 20], &[(1, 8)]);
        let error = listing.covering(&(Lsn::new(9)..=Lsn::new(9))).unwrap_err();
        assert!(error.to_string().contains("commit 9 "), "{error}");
    }

    #[test]
    fn a_hole_is_an_error_and_what_lies_below_the_first_commit_is_not() {
        let holed = listing(&[20], &[(5, 8)]);
        assert_eq!(covering(&holed, 1..=6), [(5, Some(8))]);
        let error = holed.covering(&(Lsn::new(6)..=Lsn::new(30))).unwrap_err();
        assert!(error.to_string().contains("commit 9 "), "{error}");
        assert_eq!(covering(&listing(&[], &[]), 1..=6), []);
    }
}
