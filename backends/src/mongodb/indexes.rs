//! [`Indexes`] over the collections of a store.

use std::sync::Arc;

use argon_core::model::{CollectionId, Head, Lsn, Timeline, TimelineId, View};
use argon_core::storage::{
    Append, BuildId, Direction, Entry, EntryRange, EntryStream, IndexBuild, Indexes, StoredEntries,
    serving,
};
use argon_core::{Error, Result};
use async_trait::async_trait;
use bson::{Binary, Bson, Document, RawDocumentBuf, doc};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use mongodb::options::ReadConcern;

use super::batches::{batches, insert_or_duplicate};
use super::build_change::BuildChanges;
use super::build_record::BuildList;
use super::builds::Builds;
use super::connection::{Connection, READ_TIME};
use super::entries::{ENTRY, NAMES, Place, by_name};
use super::entry_scan::{EntrySegment, order, scan};
use super::key;
use super::record::{id, int_field, text_field};
use super::removal::remove;
use super::schema;
use super::timeline::Timelines;
use super::transaction::named;

/// The keys in one request.
const KEYS: usize = 500;

/// From this number of keys on, one seek finds out first whether the range of the keys has entries.
const MANY: usize = 64;

/// The entries of past states that are looked up by one request.
const PAST_ENTRIES: usize = 50;

/// [`Indexes`] over the collections of a store.
pub(super) struct MongoIndexes {
    pub(super) server: Arc<Connection>,
    pub(super) timelines: Arc<Timelines>,
    pub(super) builds: Arc<Builds>,
    pub(super) changes: Arc<BuildChanges>,
}

#[async_trait]
impl Indexes for MongoIndexes {
    async fn builds(&self, timeline: TimelineId) -> Result<Arc<[IndexBuild]>> {
        Ok(self.builds.read(timeline).await?.builds)
    }

    async fn reserve(&self, count: u32) -> Result<BuildId> {
        self.builds.reserve(count).await
    }

    async fn begin(
        &self,
        timeline: &Timeline,
        head: &Head,
        collection: CollectionId,
        definition: &Document,
    ) -> Result<BuildId> {
        self.changes.begin(timeline, head, collection, definition).await
    }

    async fn fill(
        &self,
        timeline: TimelineId,
        build: BuildId,
        from: Lsn,
        added: Vec<Entry>,
        removed: Vec<Entry>,
    ) -> Result<()> {
        if self.builds.read(timeline).await?.find(build).is_none() {
            return Err(build.gone());
        }
        let place = Place { timeline, build };
        let names = |entries: &[Entry]| -> Vec<Binary> {
            entries.iter().map(|entry| place.name(entry, None)).collect()
        };
        self.remove_named(&names(&removed)).await?;
        let rows: Vec<RawDocumentBuf> =
            added.iter().map(|entry| place.encode(entry, from, None)).collect();
        let mut rest = &added[..];
        for batch in batches(&rows) {
            let (these, later) = rest.split_at(batch.len());
            rest = later;
            if !insert_or_duplicate(&self.server, schema::ENTRIES, batch).await? {
                // Some are there already, maybe from another state on.
                self.remove_named(&names(these)).await?;
                insert_or_duplicate(&self.server, schema::ENTRIES, batch).await?;
            }
        }
        Ok(())
    }

    async fn complete(
        &self,
        timeline: &Timeline,
        build: BuildId,
        head: &Head,
        multikey: bool,
    ) -> Result<Append> {
        self.changes.complete(timeline, build, head, multikey).await
    }

    async fn close(&self, timeline: TimelineId, build: BuildId) -> Result<()> {
        self.changes.close(timeline, build).await
    }

    fn scan(
        &self,
        view: &View,
        build: BuildId,
        range: EntryRange,
        direction: Direction,
    ) -> EntryStream {
        let (timelines, builds, view) = (self.timelines.clone(), self.builds.clone(), view.clone());
        stream::once(async move {
            let segments = segments_of(&builds, &view, build).await?;
            Ok::<_, Error>(scan(&timelines, segments, range, direction))
        })
        .try_flatten()
        .boxed()
    }

    async fn holders(&self, view: &View, build: BuildId, keys: Vec<Vec<u8>>) -> Result<Vec<Entry>> {
        let keys: Vec<String> = keys.iter().map(|key| key::text(key)).collect();
        let segments = segments_of(&self.builds, view, build).await?;
        let read = segments.iter().map(|segment| self.holders_in(segment, &keys));
        let mut found = try_join_all(read).await?.concat();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    async fn missing(
        &self,
        view: &View,
        build: BuildId,
        entries: Vec<Entry>,
    ) -> Result<Vec<Entry>> {
        let mut missing = entries;
        for segment in segments_of(&self.builds, view, build).await? {
            if missing.is_empty() {
                break;
            }
            missing = self.missing_in(&segment, missing).await?;
        }
        Ok(missing)
    }

    async fn stored(&self, timeline: TimelineId, build: BuildId) -> Result<StoredEntries> {
        let place = Place { timeline, build };
        let (held, bytes) = self.count(place, false).await?;
        let (past, past_bytes) = self.count(place, true).await?;
        Ok(StoredEntries { held, past, bytes: bytes + past_bytes })
    }
}

/// The segments of a view that have entries of a build, leaf first.
///
/// # Errors
/// `NotFound` if the build does not cover the view.
async fn segments_of(builds: &Builds, view: &View, build: BuildId) -> Result<Vec<EntrySegment>> {
    let mut found = Vec::new();
    for segment in view.segments() {
        // The caller has seen that the build covers the state, and what is taken from the cache here,
        // whether it is inherited, never changes.
        let cached = builds.cached(segment.timeline);
        let of = |list: BuildList| serving(&list.builds, build, segment.upto).cloned();
        let known = match cached.and_then(of) {
            Some(known) => Some(known),
            None => of(builds.read(segment.timeline).await?),
        };
        let known = known.ok_or_else(|| build.not_covering())?;
        let place = Place { timeline: segment.timeline, build };
        found.push(EntrySegment { place, upto: segment.upto });
        if !known.inherited {
            break;
        }
    }
    Ok(found)
}

impl MongoIndexes {
    async fn remove_named(&self, names: &[Binary]) -> Result<()> {
        for names in names.chunks(NAMES) {
            remove(&self.server, schema::ENTRIES, named(names)).await?;
        }
        Ok(())
    }

    /// The entries of a segment with one of these ascending keys.
    async fn holders_in(&self, segment: &EntrySegment, keys: &[String]) -> Result<Vec<Entry>> {
        let mut found = self.with_keys(segment, keys, false).await?;
        if segment.is_past(&self.timelines).await? {
            found.extend(self.with_keys(segment, keys, true).await?);
        }
        Ok(found)
    }

    async fn with_keys(
        &self,
        segment: &EntrySegment,
        keys: &[String],
        is_past: bool,
    ) -> Result<Vec<Entry>> {
        let mut keys = keys;
        if keys.len() >= MANY {
            let Some(first) = self.first_between(segment, keys, is_past).await? else {
                return Ok(Vec::new());
            };
            keys = &keys[keys.partition_point(|key| key.as_bytes() < first.as_bytes())..];
        }
        let mut found = Vec::new();
        for keys in keys.chunks(KEYS) {
            let stages = segment.matches(is_past, with_one_of(keys));
            found.extend(segment.read(&self.timelines, stages, keys.len()).await?);
        }
        Ok(found)
    }

    /// The first key with an entry between the first and the last of `keys`. So a range without entries
    /// costs one seek.
    async fn first_between(
        &self,
        segment: &EntrySegment,
        keys: &[String],
        is_past: bool,
    ) -> Result<Option<String>> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(None) };
        let entries = self.server.collection(schema::ENTRIES);
        let find = entries
            .find_one(between(segment.place, is_past, first, last))
            .sort(order(Direction::Ascending))
            .projection(doc! { "_id": 0, "k": 1 })
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let row = self.server.read("look up entries of an index", find).await?;
        row.map(|row| text_field(&row, ENTRY, "k").map(str::to_owned)).transpose()
    }

    /// Those of these entries that a segment lacks.
    async fn missing_in(&self, segment: &EntrySegment, entries: Vec<Entry>) -> Result<Vec<Entry>> {
        let name = |entry: &Entry| segment.place.name(entry, None);
        let stored = by_name(&self.server, entries.iter().map(name).collect()).await?;
        let is_held = |entry: &Entry| {
            stored.get(&name(entry).bytes).is_some_and(|from| *from <= segment.upto)
        };
        let mut missing: Vec<Entry> = entries.into_iter().filter(|entry| !is_held(entry)).collect();
        if missing.is_empty() || !segment.is_past(&self.timelines).await? {
            return Ok(missing);
        }
        let mut past = Vec::new();
        for entries in missing.chunks(PAST_ENTRIES) {
            let any = entries.iter().map(|entry| {
                doc! { "k": key::text(&entry.key), "i": key::encode(&entry.id) }
            });
            let stages = segment.matches(true, doc! { "$or": any.collect::<Vec<_>>() });
            past.extend(segment.read(&self.timelines, stages, entries.len()).await?);
        }
        missing.retain(|entry| !past.contains(entry));
        Ok(missing)
    }

    /// The number of entries, and the bytes of their documents.
    async fn count(&self, place: Place, is_past: bool) -> Result<(u64, u64)> {
        let entries = self.server.collection(schema::ENTRIES);
        let query = entries
            .aggregate(vec![
                doc! { "$match": { "t": id(place.timeline), "b": place.number(is_past) } },
                size(),
            ])
            .allow_disk_use(true)
            .read_concern(ReadConcern::local())
            .with_type::<RawDocumentBuf>();
        let mut rows = self.server.rows_of_many("measure an index", query).await?;
        let Some(row) = rows.next().await? else { return Ok((0, 0)) };
        let number = |name| Ok::<_, Error>(int_field(row, "size", name)?.unsigned_abs());
        Ok((number("count")?, number("bytes")?))
    }
}

/// Counts entries and the bytes of their documents.
pub(super) fn size() -> Document {
    doc! { "$group": {
        "_id": Bson::Null,
        "count": { "$sum": 1_i64 },
        "bytes": { "$sum": { "$bsonSize": "$$ROOT" } },
    } }
}

/// Matches the entries with one of these keys.
pub(super) fn with_one_of(keys: &[String]) -> Document {
    doc! { "k": { "$in": keys.to_vec() } }
}

/// Matches the entries of a build from one key to another, at any position.
pub(super) fn between(place: Place, is_past: bool, first: &str, last: &str) -> Document {
    doc! {
        "t": id(place.timeline),
        "b": place.number(is_past),
        "k": { "$gte": first, "$lte": last },
    }
}
