//! Scans: pages in key order from each source of a view, merged.
//!
//! A page is one query: the first N versions in index order, of which the server keeps the newest of
//! each key. The newest version of a key comes first, so the last key of a page is complete even if its
//! older versions did not fit. The next page begins after it. So both sides hold at most one page,
//! for any size of the collection and any number of versions.

use std::pin::Pin;
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::CollectionId;
use argon_core::storage::{KeyRange, VersionStream};
use bson::{Bson, doc};
use futures::future::join_all;
use futures::stream::{BoxStream, Peekable, StreamExt, TryStreamExt};
use mongodb::options::ReadConcern;

use super::connection::{Connection, READ_TIME};
use super::extents::RowSource;
use super::lookup::{Named, StoredVersion, VERSION, newest_by_key, positions};
use super::parts::StoredBytes;
use super::record::{id, int_field, text_field};
use super::steps::{Step, steps};
use super::{key, schema};

/// The versions of the first page, and the most of a later one.
const FIRST_PAGE: i64 = 256;
const LARGEST_PAGE: i64 = 16_384;

/// The intended bytes of documents in a page; it is cut at twice as many.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The newest versions of one source in key order, with deletions.
type SourceStream = BoxStream<'static, Result<(String, StoredVersion)>>;

/// A walk over a source.
#[derive(Clone)]
struct SourceWalk {
    server: Arc<Connection>,
    source: RowSource,
    collection: CollectionId,
    /// The rest of the range, as conditions on the key.
    keys: bson::Document,
    /// The versions of the next page.
    page: i64,
}

impl SourceWalk {
    /// Reads the next page.
    async fn step(mut self) -> Result<Step<Self, (String, StoredVersion)>> {
        let collection = self.server.collection(schema::VERSIONS);
        let query = collection
            .aggregate(page(&self.source, self.collection, &self.keys, self.page))
            .allow_disk_use(true)
            .batch_size(u32::try_from(self.page + 1).unwrap_or(u32::MAX))
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME)
            .with_type::<bson::RawDocumentBuf>();
        let mut rows = self.server.rows("scan a collection", query).await?;
        let (mut items, mut versions, mut bytes) = (Vec::new(), 0, 0);
        let mut cut = false;
        while let Some(row) = rows.next().await? {
            versions = int_field(row, VERSION, "versions")?.saturating_add(versions);
            let key = text_field(row, VERSION, "_id")?;
            let found =
                StoredVersion::of(row, &self.source, Named { collection: self.collection, key })?;
            bytes += size(&found);
            items.push((key.to_owned(), found));
            if bytes >= 2 * PAGE_BYTES {
                cut = true;
                break;
            }
        }
        let full = versions >= self.page;
        let Some((last, _)) = items.last().filter(|_| full || cut) else {
            return Ok((items, None));
        };
        self.keys.remove("$gte");
        self.keys.insert("$gt", last.clone());
        self.page = next_page(self.page, items.len(), bytes);
        Ok((items, Some(self)))
    }
}

fn size(found: &StoredVersion) -> usize {
    match &found.document {
        Some(StoredBytes::Whole(bytes)) => bytes.len(),
        _ => 0,
    }
}

/// Four times the last page, within the number that likely fits the bytes of a page.
fn next_page(page: i64, documents: usize, bytes: usize) -> i64 {
    let average = (bytes / documents.max(1)).max(1);
    let fitting = i64::try_from(PAGE_BYTES / average).unwrap_or(LARGEST_PAGE);
    (page * 4).min(fitting).clamp(16, LARGEST_PAGE)
}

/// The newest version of each key among the first `versions` versions of a range of keys.
pub(super) fn page(
    source: &RowSource,
    collection: CollectionId,
    keys: &bson::Document,
    versions: i64,
) -> Vec<bson::Document> {
    vec![
        doc! { "$match": {
            "t": id(source.rows),
            "c": collection.get().cast_signed(),
            "k": keys.clone(),
        } },
        doc! { "$match": { "l": positions(source) } },
        doc! { "$sort": { "t": 1, "c": 1, "k": 1, "l": -1 } },
        doc! { "$limit": versions },
        newest_by_key(true),
        doc! { "$sort": { "_id": 1 } },
    ]
}

/// A range of keys as conditions.
pub(super) fn bounds(range: &KeyRange) -> bson::Document {
    let from = range.from.as_ref().map_or_else(String::new, key::encode);
    let mut keys = doc! { "$gte": from };
    if let Some(to) = &range.to {
        keys.insert("$lt", Bson::String(key::encode(to)));
    }
    keys
}

/// Scans the documents of a collection in a range, over all sources.
pub(super) fn scan(
    server: &Arc<Connection>,
    sources: Vec<RowSource>,
    collection: CollectionId,
    range: &KeyRange,
) -> VersionStream {
    let keys = bounds(range);
    let walks = sources.into_iter().map(|source| {
        let (server, keys) = (server.clone(), keys.clone());
        let walk = SourceWalk { server, source, collection, keys, page: FIRST_PAGE };
        steps(walk, SourceWalk::step).peekable()
    });
    let merge = Merge { streams: walks.collect() };
    let merged = futures::stream::unfold(merge, |mut merge| async move {
        let item = merge.next().await.transpose()?;
        Some((item, merge))
    });
    let server = server.clone();
    merged
        .try_filter_map(move |(key, found)| {
            let server = server.clone();
            async move {
                let version = found.version(&server).await?;
                version.map(|version| Ok((key::decode(&key)?, version))).transpose()
            }
        })
        .boxed()
}

/// Several sources, newest first, each in key order.
struct Merge {
    streams: Vec<Peekable<SourceStream>>,
}

impl Merge {
    /// The least key, with its version in the newest source that has it.
    async fn next(&mut self) -> Result<Option<(String, StoredVersion)>> {
        if let [stream] = &mut self.streams[..] {
            return stream.try_next().await;
        }
        // The sources that need a page read it in parallel.
        join_all(self.streams.iter_mut().map(|stream| async move {
            Pin::new(stream).peek().await;
        }))
        .await;
        let mut least: Option<(usize, String)> = None;
        for (at, stream) in self.streams.iter_mut().enumerate() {
            match Pin::new(&mut *stream).peek().await {
                Some(Ok((key, _)))
                    if least
                        .as_ref()
                        .is_none_or(|(_, least)| key.as_bytes() < least.as_bytes()) =>
                {
                    least = Some((at, key.clone()));
                }
                Some(Err(_)) => return stream.try_next().await,
                Some(Ok(_)) | None => {}
            }
        }
        let Some((at, key)) = least else { return Ok(None) };
        let found = self.streams[at].try_next().await;
        for stream in &mut self.streams[at + 1..] {
            let same = |next: &Result<(String, StoredVersion)>| {
                next.as_ref().is_ok_and(|(next, _)| *next == key)
            };
            Pin::new(stream).next_if(same).await;
        }
        found
    }
}
