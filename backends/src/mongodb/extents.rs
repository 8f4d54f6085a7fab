//! The rows that belong to a view.
//!
//! The versions of most commits are stored under their timeline. Those of a commit that was too large
//! for a transaction are stored under an *extent* with a name of its own, because they are written
//! before the commit exists, and no reader of the timeline may see them then. A segment of a view is
//! therefore read as a list of [`RowSource`]s. The extents below the head of a timeline never change, so
//! they are cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::model::{Lsn, Segment, TimelineId};
use argon_core::{Error, Result};
use bson::doc;

use super::checksum::{self, Sum};
use super::connection::{Connection, READ_TIME};
use super::format::StoreFormat;
use super::record::{id, id_field, lsn, lsn_field, optional};
use super::retry::until_known;
use super::schema;

/// The size of the cache. When it is full it is cleared, which costs one request a timeline.
const MOST_TIMELINES: usize = 100_000;

/// Rows of `versions` in a view: those under the name `rows` with `above < lsn <= upto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowSource {
    pub(super) rows: TimelineId,
    pub(super) above: Lsn,
    pub(super) upto: Lsn,
}

/// A range of commits of a timeline whose versions are stored under a name of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) name: TimelineId,
    pub(super) first: Lsn,
    pub(super) last: Lsn,
    /// Whether pruning has removed all of its versions.
    pub(super) empty: bool,
}

impl Extent {
    /// The checksum of the record of an extent that belongs to a timeline.
    pub(super) fn sum(&self, timeline: TimelineId) -> Sum {
        let sum = Sum::of(schema::PIECES).id(self.name).id(timeline);
        sum.number(lsn(self.first)).number(lsn(self.last))
    }
}

/// The extents of a timeline up to a position.
#[derive(Clone)]
struct KnownExtents {
    upto: Lsn,
    extents: Arc<[Extent]>,
}

/// The cached extents by timeline.
#[derive(Default)]
struct ExtentCache(Mutex<HashMap<TimelineId, KnownExtents>>);

impl ExtentCache {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TimelineId, KnownExtents>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cached extents of a timeline, if the cache reaches `upto`.
    fn get(&self, timeline: TimelineId, upto: Lsn) -> Option<Arc<[Extent]>> {
        let known = self.lock();
        known.get(&timeline).filter(|known| known.upto >= upto).map(|known| known.extents.clone())
    }

    /// Notes that the timeline has `count` extents up to `upto`; returns whether the cache has them all.
    fn note(&self, timeline: TimelineId, upto: Lsn, count: i64) -> bool {
        let mut known = self.lock();
        if known.len() >= MOST_TIMELINES {
            known.clear();
        }
        let entry = known.entry(timeline);
        let known =
            entry.or_insert_with(|| KnownExtents { upto: Lsn::ZERO, extents: Arc::new([]) });
        // A count below that of the cache comes from an older answer.
        let complete = i64::try_from(known.extents.len()).is_ok_and(|known| known >= count);
        if complete {
            known.upto = known.upto.max(upto);
        }
        complete
    }

    /// Notes that commits from `expected` to `head` were appended without an extent; `first` if they
    /// are the first of the timeline.
    fn note_append(&self, timeline: TimelineId, first: bool, expected: Lsn, head: Lsn) {
        if first {
            self.note(timeline, head, 0);
        } else if let Some(known) = self.lock().get_mut(&timeline)
            && known.upto >= expected
        {
            known.upto = known.upto.max(head);
        }
    }

    /// Removes a dropped timeline from the cache.
    fn forget(&self, timeline: TimelineId) {
        self.lock().remove(&timeline);
    }

    /// Stores all extents up to `upto`, which were read.
    fn learn(&self, timeline: TimelineId, upto: Lsn, extents: Vec<Extent>) {
        let mut all = self.lock();
        if all.get(&timeline).is_none_or(|known| known.extents.len() <= extents.len()) {
            all.insert(timeline, KnownExtents { upto, extents: extents.into() });
        }
    }
}

/// Divides a segment into the sources of its rows, newest first. Their ranges don't overlap.
pub(super) fn split(segment: &Segment, extents: &[Extent]) -> Vec<RowSource> {
    let mut sources = Vec::with_capacity(1);
    let mut upto = segment.upto;
    for extent in
        extents.iter().rev().filter(|extent| !extent.empty && extent.first <= segment.upto)
    {
        if extent.last <= segment.above {
            break;
        }
        if extent.last < upto {
            sources.push(RowSource { rows: segment.timeline, above: extent.last, upto });
        }
        let below = extent.first.back(1).unwrap_or_default().max(segment.above);
        sources.push(RowSource {
            rows: extent.name,
            above: below,
            upto: extent.last.min(segment.upto),
        });
        upto = below;
    }
    if segment.above < upto {
        sources.push(RowSource { rows: segment.timeline, above: segment.above, upto });
    }
    sources
}

/// The extents of timelines.
pub(super) struct Extents {
    server: Arc<Connection>,
    format: Arc<StoreFormat>,
    cache: ExtentCache,
}

impl Extents {
    pub(super) fn new(server: &Arc<Connection>, format: &Arc<StoreFormat>) -> Self {
        let (server, format) = (server.clone(), format.clone());
        Self { server, format, cache: ExtentCache::default() }
    }

    /// The cached extents of a timeline, if the cache reaches `upto`.
    pub(super) fn known(&self, timeline: TimelineId, upto: Lsn) -> Option<Arc<[Extent]>> {
        self.cache.get(timeline, upto)
    }

    /// Notes that commits from `expected` to `head` were appended without an extent; `first` if they
    /// are the first of the timeline.
    pub(super) fn note_append(&self, timeline: TimelineId, first: bool, expected: Lsn, head: Lsn) {
        self.cache.note_append(timeline, first, expected, head);
    }

    /// Removes a dropped timeline from the cache.
    pub(super) fn forget(&self, timeline: TimelineId) {
        self.cache.forget(timeline);
    }

    /// Records that pruning has removed all versions of an extent.
    pub(super) async fn note_empty(&self, extent: TimelineId) -> Result<()> {
        self.format.raise().await?;
        let extents = self.server.collection(schema::PIECES);
        let empty = doc! { "$set": { "empty": true } };
        until_known(&self.server, || {
            let update = extents.update_one(doc! { "_id": id(extent) }, empty.clone());
            self.server.write("record that a piece is empty", update)
        })
        .await?;
        Ok(())
    }

    /// Takes the count of extents from the record of a timeline, and reads those that are not cached.
    pub(super) async fn note_record(
        &self,
        timeline: TimelineId,
        head: Lsn,
        count: i64,
    ) -> Result<()> {
        if self.cache.note(timeline, head, count) {
            return Ok(());
        }
        let found = self.published(timeline, head).await?;
        if i64::try_from(found.len()).is_ok_and(|found| found >= count) {
            self.cache.learn(timeline, head, found);
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "timeline {timeline} has {count} pieces, but only {} exist",
            found.len()
        )))
    }

    pub(super) async fn published(&self, timeline: TimelineId, upto: Lsn) -> Result<Vec<Extent>> {
        let extents = self.server.collection(schema::PIECES);
        let query = extents
            .find(published_upto(timeline, upto))
            .sort(doc! { "t": 1, "l": 1 })
            .read_concern(mongodb::options::ReadConcern::local())
            .max_time(READ_TIME);
        let mut rows = self.server.rows("read the pieces of a timeline", query).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            let extent = Extent {
                name: id_field(row, "piece", "_id")?,
                first: lsn_field(row, "piece", "f")?,
                last: lsn_field(row, "piece", "l")?,
                empty: optional(row, "piece", "empty")?.is_some(),
            };
            let name = || format!("the record of piece {}", extent.name);
            checksum::check(checksum::stored(row, "piece")?, extent.sum(timeline), name)?;
            found.push(extent);
        }
        Ok(found)
    }
}

/// Matches the extents of a timeline up to a position.
pub(super) fn published_upto(timeline: TimelineId, upto: Lsn) -> bson::Document {
    doc! { "t": id(timeline), "l": { "$lte": lsn(upto) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(byte: u8) -> TimelineId {
        TimelineId::from_bytes([byte; 16])
    }

    fn extent(name: u8, first: u64, last: u64) -> Extent {
        let (first, last) = (Lsn::new(first), Lsn::new(last));
        Extent { name: timeline(name), first, last, empty: false }
    }

    fn sources(above: u64, upto: u64, extents: &[Extent]) -> Vec<(u8, u64, u64)> {
        let segment =
            Segment { timeline: timeline(0), above: Lsn::new(above), upto: Lsn::new(upto) };
        split(&segment, extents)
            .into_iter()
            .map(|source| (source.rows.as_bytes()[0], source.above.get(), source.upto.get()))
            .collect()
    }

    #[test]
    fn a_segment_is_its_own_rows_between_the_pieces() {
        assert_eq!(sources(2, 9, &[]), [(0, 2, 9)]);
        let extents = [extent(1, 1, 1), extent(2, 5, 6), extent(3, 7, 7), extent(4, 12, 12)];
        assert_eq!(
            sources(0, 9, &extents),
            [(0, 7, 9), (3, 6, 7), (2, 4, 6), (0, 1, 4), (1, 0, 1)]
        );
        assert_eq!(sources(5, 6, &extents), [(2, 5, 6)], "a part of a piece");
        assert_eq!(sources(0, 5, &extents), [(2, 4, 5), (0, 1, 4), (1, 0, 1)]);
        assert_eq!(sources(1, 4, &extents), [(0, 1, 4)]);
        assert_eq!(sources(11, 12, &extents), [(4, 11, 12)]);
        let pruned = [Extent { empty: true, ..extent(1, 1, 3) }, extent(2, 5, 6)];
        assert_eq!(sources(0, 9, &pruned), [(0, 6, 9), (2, 4, 6), (0, 0, 4)]);
    }

    #[test]
    fn pieces_are_known_only_as_far_as_they_were_read() {
        let extents = ExtentCache::default();
        assert!(extents.get(timeline(0), Lsn::new(1)).is_none());
        assert!(extents.note(timeline(0), Lsn::new(5), 0));
        assert!(extents.get(timeline(0), Lsn::new(5)).is_some());
        assert!(extents.get(timeline(0), Lsn::new(6)).is_none());
        assert!(!extents.note(timeline(0), Lsn::new(7), 1), "one that was not read");
        extents.learn(timeline(0), Lsn::new(7), vec![extent(1, 6, 7)]);
        assert_eq!(extents.get(timeline(0), Lsn::new(7)).unwrap().len(), 1);
        assert!(extents.note(timeline(0), Lsn::new(6), 0), "an answer from the past");
        assert_eq!(extents.get(timeline(0), Lsn::new(7)).unwrap().len(), 1);
    }
}
