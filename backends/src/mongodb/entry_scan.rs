//! Scans of entries: pages in order from each segment of a view, merged.
//!
//! A timeline that continues a build has the entries of the documents that it changed; those of its
//! base are read too, down to the timeline on which the build was made.

use std::cmp::Ordering;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{Direction, Entry, EntryRange, EntryStream};
use bson::{Bson, Document, doc};
use futures::future::join_all;
use futures::stream::{BoxStream, Peekable, StreamExt, TryStreamExt};
use mongodb::options::ReadConcern;

use super::connection::READ_TIME;
use super::entries::{Place, decode};
use super::key;
use super::record::{id, lsn};
use super::schema;
use super::steps::{Step, steps};
use super::timeline::Timelines;

/// The entries of the first page, and the most of a later one.
const FIRST_PAGE: usize = 256;
const LARGEST_PAGE: usize = 8_192;

/// A segment of a view that has entries of a build.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntrySegment {
    pub(super) place: Place,
    pub(super) upto: Lsn,
}

impl EntrySegment {
    fn timeline(&self) -> TimelineId {
        self.place.timeline
    }

    /// The stages that select entries that the state has: those of the head, or those that ended later.
    /// The second is separate because a server merges adjacent matches, and one that does not still
    /// finds its index by the first.
    pub(super) fn matches(&self, is_past: bool, mut keys: Document) -> Vec<Document> {
        keys.insert("t", id(self.timeline()));
        keys.insert("b", self.place.number(is_past));
        let mut span = doc! { "f": { "$lte": lsn(self.upto) } };
        if is_past {
            span.insert("x", doc! { "$gt": lsn(self.upto) });
        }
        vec![doc! { "$match": keys }, doc! { "$match": span }]
    }

    /// Reads the entries that stages select.
    pub(super) async fn read(
        &self,
        timelines: &Timelines,
        stages: Vec<Document>,
        most: usize,
    ) -> Result<Vec<Entry>> {
        let entries = timelines.server.collection(schema::ENTRIES);
        let query = entries
            .aggregate(stages)
            .allow_disk_use(true)
            .batch_size(u32::try_from(most + 1).unwrap_or(u32::MAX))
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME)
            .with_type::<bson::RawDocumentBuf>();
        let mut rows = timelines.server.rows("read an index", query).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            found.push(decode(row)?.entry);
        }
        Ok(found)
    }

    /// Whether the timeline has commits above the state, which have moved some of its entries to the
    /// past. To be called after entries of the head were read.
    pub(super) async fn is_past(&self, timelines: &Timelines) -> Result<bool> {
        if timelines.extents.known(self.timeline(), self.upto.next()).is_some() {
            return Ok(true);
        }
        Ok(timelines.last_position(self.timeline()).await? > self.upto)
    }
}

/// The order of the index, for a sort.
pub(super) fn order(direction: Direction) -> Document {
    let up = if direction == Direction::Ascending { 1 } else { -1 };
    doc! { "t": up, "b": up, "k": up, "i": up, "x": -up }
}

/// The rest of a range.
#[derive(Debug, Clone, PartialEq)]
enum Rest {
    /// All keys of the range, from this one on.
    From(Option<Vec<u8>>),
    /// All keys of the range after this one.
    After(Vec<u8>),
    /// The entries of this one's key after it, and then all later keys.
    Within(Entry),
}

/// A walk over the entries of a segment.
#[derive(Clone)]
struct SegmentWalk {
    timelines: Arc<Timelines>,
    segment: EntrySegment,
    range: Arc<EntryRange>,
    direction: Direction,
    rest: Rest,
    /// The entries of the next page.
    page: usize,
}

/// Compares in a direction.
fn compare<T: Ord>(direction: Direction, a: &T, b: &T) -> Ordering {
    match direction {
        Direction::Ascending => a.cmp(b),
        Direction::Descending => b.cmp(a),
    }
}

impl SegmentWalk {
    /// Reads the next page. Entries that an append moves to the past meanwhile are read there, because
    /// the past is read after the present.
    async fn step(mut self) -> Result<Step<Self, Entry>> {
        let mut found = self.read(false).await?;
        let mut end = self.end(&found);
        if self.segment.is_past(&self.timelines).await? {
            let past = self.read(true).await?;
            end = match (end, self.end(&past)) {
                (Some(a), Some(b)) if compare(self.direction, &b, &a).is_lt() => Some(b),
                (None, end) | (end, _) => end,
            };
            found.extend(past);
            found.sort_unstable_by(|a, b| compare(self.direction, a, b));
            found.dedup();
        }
        // What one of the two has beyond the last entry of the other is read again.
        if let Some(end) = &end {
            let within = found.partition_point(|entry| compare(self.direction, entry, end).is_le());
            found.truncate(within);
        }
        self.page = (self.page * 4).min(LARGEST_PAGE);
        let Some(rest) = self.rest_after(&mut found, end.is_some()) else {
            return Ok((found, None));
        };
        self.rest = rest;
        Ok((found, Some(self)))
    }

    /// The last entry of a page after which there may be more.
    fn end(&self, page: &[Entry]) -> Option<Entry> {
        page.last().filter(|_| page.len() >= self.page).cloned()
    }

    /// The rest after a page. If there is more, the entries of the last key are left to the next page
    /// unless they are many.
    fn rest_after(&self, found: &mut Vec<Entry>, more: bool) -> Option<Rest> {
        let last = match (&self.rest, found.last()) {
            (Rest::Within(entry), _) if !more => return Some(Rest::After(entry.key.clone())),
            (_, Some(last)) if more => last.clone(),
            _ => return None,
        };
        let whole = found.iter().rposition(|entry| entry.key != last.key).map_or(0, |at| at + 1);
        if matches!(self.rest, Rest::Within(_)) || whole < found.len() / 2 {
            return Some(Rest::Within(last));
        }
        found.truncate(whole);
        Some(Rest::From(Some(last.key)))
    }

    async fn read(&self, is_past: bool) -> Result<Vec<Entry>> {
        let mut stages = self.segment.matches(is_past, self.keys());
        stages.push(doc! { "$sort": order(self.direction) });
        stages.push(doc! { "$limit": i64::try_from(self.page).unwrap_or(i64::MAX) });
        self.segment.read(&self.timelines, stages, self.page).await
    }

    /// The conditions on key and `_id`.
    fn keys(&self) -> Document {
        let text = |key: &[u8]| Bson::String(key::text(key));
        let (mut from, mut to) = (text(&self.range.from), self.range.to.as_deref().map(text));
        let mut lower = "$gte";
        match (&self.rest, self.direction) {
            (Rest::Within(entry), direction) => {
                let after = if direction == Direction::Ascending { "$gt" } else { "$lt" };
                return doc! { "k": text(&entry.key), "i": { after: key::encode(&entry.id) } };
            }
            (Rest::From(None), _) => {}
            (Rest::From(Some(key)), Direction::Ascending) => from = text(key),
            (Rest::From(Some(key)), Direction::Descending) => {
                // The least text above it. With `$lte`, the stand-in of a server loses equal keys.
                to = Some(Bson::String(key::text(key) + "\0"));
            }
            (Rest::After(key), Direction::Ascending) => (from, lower) = (text(key), "$gt"),
            (Rest::After(key), Direction::Descending) => to = Some(text(key)),
        }
        let mut keys = doc! { lower: from };
        keys.extend(to.map(|to| ("$lt".to_owned(), to)));
        doc! { "k": keys }
    }
}

/// Scans the entries of a build in a range, over all segments.
pub(super) fn scan(
    timelines: &Arc<Timelines>,
    segments: Vec<EntrySegment>,
    range: EntryRange,
    direction: Direction,
) -> EntryStream {
    let range = Arc::new(range);
    let walks = segments.into_iter().map(|segment| {
        let (timelines, range) = (timelines.clone(), range.clone());
        let rest = Rest::From(None);
        let walk = SegmentWalk { timelines, segment, range, direction, rest, page: FIRST_PAGE };
        steps(walk, SegmentWalk::step).peekable()
    });
    let merge = Merge { direction, streams: walks.collect() };
    futures::stream::unfold(merge, |mut merge| async move {
        let item = merge.next().await.transpose()?;
        Some((item, merge))
    })
    .boxed()
}

/// The entries of several segments, each in order.
struct Merge {
    direction: Direction,
    streams: Vec<Peekable<BoxStream<'static, Result<Entry>>>>,
}

impl Merge {
    /// The next entry, once if several segments have it.
    async fn next(&mut self) -> Result<Option<Entry>> {
        if let [stream] = &mut self.streams[..] {
            return stream.try_next().await;
        }
        // The segments that need a page read it in parallel.
        let peeked = join_all(self.streams.iter_mut().map(|stream| async move {
            match std::pin::Pin::new(stream).peek().await {
                Some(Ok(entry)) => Ok(Some(entry.clone())),
                Some(Err(_)) => Err(()),
                None => Ok(None),
            }
        }))
        .await;
        if let Some(failed) = peeked.iter().position(Result::is_err) {
            return self.streams[failed].try_next().await;
        }
        let direction = self.direction;
        let next = peeked.into_iter().filter_map(|peeked| peeked.ok().flatten());
        let Some(next) = next.min_by(|a, b| compare(direction, a, b)) else { return Ok(None) };
        for stream in &mut self.streams {
            let same = |other: &Result<Entry>| other.as_ref().is_ok_and(|other| *other == next);
            std::pin::Pin::new(stream).next_if(same).await;
        }
        Ok(Some(next))
    }
}
