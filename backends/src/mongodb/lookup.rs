//! Looks up documents by key.

use std::collections::HashMap;
use std::sync::Arc;

use argon_core::Result;
use argon_core::key::Key;
use argon_core::model::{CollectionId, Document, Image, Lsn};
use argon_core::storage::Version;
use bson::{Bson, RawDocument, doc};
use futures::future::try_join_all;
use mongodb::options::ReadConcern;

use super::checksum::{self, Sum};
use super::connection::{Connection, READ_TIME};
use super::extents::RowSource;
use super::images::versions_of_keys;
use super::parts::{self, StoredBytes};
use super::record::{id, lsn, lsn_field, text_field};
use super::rows::version_sum;
use super::{key, schema};

/// The keys in one request.
const KEYS: usize = 500;

/// From this number of keys on, one seek finds out first whether the range of the keys has versions.
const MANY: usize = 64;

/// The most sources that are read in parallel.
const WIDEST: usize = 16;

pub(super) const VERSION: &str = "version";

/// A stored version.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredVersion {
    /// The name that its parts are stored under, if it has any.
    pub(super) rows: argon_core::model::TimelineId,
    pub(super) lsn: Lsn,
    /// The document; `None` for a deletion, empty if only the stamp was read.
    pub(super) document: Option<StoredBytes>,
    /// The checksum so far and the stored one, to be compared when the parts of the document are read.
    unchecked: Option<(Sum, i64)>,
}

/// The document whose version is read.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) collection: CollectionId,
    /// The encoded key.
    pub(super) key: &'a str,
}

impl StoredVersion {
    /// Reads a row, and verifies its checksum if the document is in the row.
    pub(super) fn of(row: &RawDocument, source: &RowSource, named: Named<'_>) -> Result<Self> {
        let mut found = Self::stamp(row, source, named)?;
        if let (Some(StoredBytes::Whole(bytes)), Some((sum, crc))) =
            (&found.document, found.unchecked)
        {
            checksum::check(Some(crc), sum.end(bytes), || named.describe(found.lsn))?;
            found.unchecked = None;
        }
        Ok(found)
    }

    /// Reads a row that has no document, only whether the version has one.
    fn stamp(row: &RawDocument, source: &RowSource, named: Named<'_>) -> Result<Self> {
        let (lsn, rows) = (lsn_field(row, VERSION, "l")?, source.rows);
        let document = parts::of(row, VERSION)?;
        let sum = version_sum(rows, named.collection, named.key, lsn);
        let crc = checksum::stored(row, VERSION)?;
        if document.is_none() {
            checksum::check(crc, sum, || named.describe(lsn))?;
        }
        let unchecked = crc.filter(|_| document.is_some()).map(|crc| (sum, crc));
        Ok(Self { rows, lsn, document, unchecked })
    }

    /// Reads the document.
    pub(super) async fn image(self, server: &Arc<Connection>) -> Result<Image> {
        let Some(stored) = self.document else { return Ok(Image::Deleted) };
        let bytes = parts::load(server, self.rows, stored, VERSION).await?;
        if let Some((sum, crc)) = self.unchecked {
            let what = || format!("the version of a large document at LSN {}", self.lsn);
            checksum::check(Some(crc), sum.end(&bytes), what)?;
        }
        Ok(Image::Document(Document::from_stored(bytes)?))
    }

    pub(super) async fn version(self, server: &Arc<Connection>) -> Result<Option<Version>> {
        let lsn = self.lsn;
        let document = self.image(server).await?.into_document();
        Ok(document.map(|document| Version { lsn, document }))
    }
}

impl Named<'_> {
    fn describe(self, lsn: Lsn) -> String {
        let id = key::decode(self.key).map_or_else(|_| "?".to_owned(), |key| key.to_string());
        format!("the version of the document with _id {id} at LSN {lsn}")
    }
}

/// Matches the positions of a source.
pub(super) fn positions(source: &RowSource) -> bson::Document {
    doc! { "$gt": lsn(source.above), "$lte": lsn(source.upto) }
}

/// Divides sources into groups that are read in parallel: the newest alone, since it often has the
/// answer, then two, four and so on. So a chain of n sources takes about log n round trips.
fn waves(sources: &[RowSource]) -> impl Iterator<Item = &[RowSource]> {
    let (mut rest, mut width) = (sources, 1);
    std::iter::from_fn(move || {
        let (wave, after) = rest.split_at(width.min(rest.len()));
        rest = after;
        width = (width * 2).min(WIDEST);
        (!wave.is_empty()).then_some(wave)
    })
}

/// Looks up versions of documents.
pub(super) struct Lookup {
    pub(super) server: Arc<Connection>,
}

impl Lookup {
    /// The newest version of a document.
    pub(super) async fn newest(
        &self,
        sources: &[RowSource],
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<StoredVersion>> {
        for wave in waves(sources) {
            let asked = wave.iter().map(|source| self.newest_in(source, collection, key));
            if let Some(found) = try_join_all(asked).await?.into_iter().flatten().next() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn newest_in(
        &self,
        source: &RowSource,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<StoredVersion>> {
        let versions = self.server.collection(schema::VERSIONS);
        let find = versions
            .find_one(of_document(source, collection, key))
            .sort(doc! { "t": 1, "c": 1, "k": 1, "l": -1 })
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let Some(row) = self.server.read("read a document", find).await? else { return Ok(None) };
        self.server.count_received(row.as_bytes().len());
        let named = Named { collection, key: &key::encode(key) };
        StoredVersion::of(&row, source, named).map(Some)
    }

    /// The newest versions of documents whose keys are in ascending order, one answer a key; only their
    /// stamps without `documents`.
    pub(super) async fn newest_of_many(
        &self,
        sources: &[RowSource],
        collection: CollectionId,
        keys: &[Key],
        documents: bool,
    ) -> Result<Vec<Option<StoredVersion>>> {
        let mut answers: Vec<Option<StoredVersion>> = vec![None; keys.len()];
        let mut open: Vec<usize> = (0..keys.len()).collect();
        for wave in waves(sources) {
            if open.is_empty() {
                break;
            }
            let wanted: Vec<String> = open.iter().map(|at| key::encode(&keys[*at])).collect();
            let asked =
                wave.iter().map(|source| self.newest_among(source, collection, &wanted, documents));
            let mut found = try_join_all(asked).await?;
            let mut wanted = wanted.into_iter();
            open.retain(|at| {
                let Some(key) = wanted.next() else { return false };
                answers[*at] = found.iter_mut().find_map(|found| found.remove(&key));
                answers[*at].is_none()
            });
        }
        Ok(answers)
    }

    async fn newest_among(
        &self,
        source: &RowSource,
        collection: CollectionId,
        keys: &[String],
        documents: bool,
    ) -> Result<HashMap<String, StoredVersion>> {
        let mut keys = keys;
        if keys.len() >= MANY {
            let Some(first) = self.first_between(source, collection, keys).await? else {
                return Ok(HashMap::new());
            };
            keys = &keys[keys.partition_point(|key| key.as_bytes() < first.as_bytes())..];
        }
        let mut found = HashMap::new();
        for keys in keys.chunks(KEYS) {
            let pipeline = newest_of_keys(source, collection, keys, documents);
            let versions = self.server.collection(schema::VERSIONS);
            let query = versions
                .aggregate(pipeline)
                .allow_disk_use(true)
                .batch_size(u32::try_from(keys.len() + 1).unwrap_or(u32::MAX))
                .read_concern(ReadConcern::local())
                .max_time(READ_TIME)
                .with_type::<bson::RawDocumentBuf>();
            let mut rows = self.server.rows("look up documents", query).await?;
            while let Some(row) = rows.next().await? {
                let key = text_field(row, VERSION, "_id")?;
                let named = Named { collection, key };
                let version = if documents {
                    StoredVersion::of(row, source, named)?
                } else {
                    StoredVersion::stamp(row, source, named)?
                };
                found.insert(key.to_owned(), version);
            }
        }
        Ok(found)
    }

    /// The first key with a version between the first and the last of `keys`. So a range without
    /// versions costs one seek.
    async fn first_between(
        &self,
        source: &RowSource,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<Option<String>> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(None) };
        let versions = self.server.collection(schema::VERSIONS);
        let find = versions
            .find_one(between(source, collection, first, last))
            .sort(doc! { "t": 1, "c": 1, "k": 1, "l": -1 })
            .projection(doc! { "_id": 0, "k": 1 })
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let row = self.server.read("look up documents", find).await?;
        row.map(|row| text_field(&row, VERSION, "k").map(str::to_owned)).transpose()
    }
}

/// Matches the versions of documents from one key to another, at any position.
pub(super) fn between(
    source: &RowSource,
    collection: CollectionId,
    first: &str,
    last: &str,
) -> bson::Document {
    doc! {
        "t": id(source.rows),
        "c": collection.get().cast_signed(),
        "k": { "$gte": first, "$lte": last },
    }
}

/// Matches the versions of a document in a source.
pub(super) fn of_document(
    source: &RowSource,
    collection: CollectionId,
    key: &Key,
) -> bson::Document {
    doc! {
        "t": id(source.rows),
        "c": collection.get().cast_signed(),
        "k": key::encode(key),
        "l": positions(source),
    }
}

/// The newest version of each of some keys.
///
/// The stage for the positions is separate only for readability: the server merges adjacent matches,
/// and bounds the index by both.
pub(super) fn newest_of_keys(
    source: &RowSource,
    collection: CollectionId,
    keys: &[String],
    documents: bool,
) -> Vec<bson::Document> {
    let mut stages = versions_of_keys(source, collection, keys);
    stages.push(doc! { "$sort": { "t": 1, "c": 1, "k": 1, "l": -1 } });
    stages.push(newest_by_key(documents));
    stages
}

/// Keeps the first version of each key: its position and its document; without `documents`, only
/// whether it has one.
pub(super) fn newest_by_key(documents: bool) -> bson::Document {
    if documents {
        return doc! { "$group": {
            "_id": "$k",
            "l": { "$first": "$l" },
            "d": { "$first": "$d" },
            "o": { "$first": "$o" },
            "n": { "$first": "$n" },
            "crc": { "$first": "$crc" },
            "versions": { "$sum": 1 },
        } };
    }
    let has_document = doc! { "$or": [
        { "$gt": ["$d", Bson::Null] },
        { "$gt": ["$o", Bson::Null] },
    ] };
    doc! { "$group": {
        "_id": "$k",
        "l": { "$first": "$l" },
        "d": { "$first": { "$cond": [has_document, Bson::Binary(super::record::binary(b"")), Bson::Null] } },
        "crc": { "$first": "$crc" },
    } }
}

#[cfg(test)]
mod tests {
    use argon_core::model::TimelineId;

    use super::*;

    #[test]
    fn sources_are_asked_in_waves_that_grow() {
        let source = |at: u8| RowSource {
            rows: TimelineId::from_bytes([at; 16]),
            above: Lsn::ZERO,
            upto: Lsn::new(1),
        };
        let widths = |count: u8| -> Vec<usize> {
            let sources: Vec<RowSource> = (0..count).map(source).collect();
            waves(&sources).map(<[RowSource]>::len).collect()
        };
        assert_eq!(widths(0), [0_usize; 0]);
        assert_eq!(widths(1), [1]);
        assert_eq!(widths(2), [1, 1]);
        assert_eq!(widths(9), [1, 2, 4, 2]);
        assert_eq!(widths(70), [1, 2, 4, 8, 16, 16, 16, 7]);
    }
}
