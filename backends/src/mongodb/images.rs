//! Reads the documents of commits by the keys in their headers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::{Change, CollectionId, Commit, Image, Lsn, TimelineId, Touched};
use argon_core::{Error, Result};
use bson::{Bson, doc};
use mongodb::options::ReadConcern;

use super::connection::{Connection, READ_TIME};
use super::extents::RowSource;
use super::log_walk::{Header, STEP_CHANGES};
use super::lookup::{Named, StoredVersion, VERSION, positions};
use super::record::{id, text_field};
use super::{key, schema};

/// The keys in one request.
const KEYS: usize = 500;

/// Images by position, collection and encoded key.
type Images = HashMap<(Lsn, CollectionId, String), StoredVersion>;

/// Adds the documents to consecutive commits.
pub(super) async fn with_documents(
    server: &Arc<Connection>,
    timeline: TimelineId,
    headers: &[Header],
) -> Result<Vec<Commit>> {
    let mut commits = Vec::with_capacity(headers.len());
    // Consecutive commits with their versions under one name are read together: all versions of
    // their keys between the first and the last belong to them.
    for group in headers.chunk_by(|a, b| a.rows == b.rows) {
        let mut images = images_of(server, timeline, group).await?;
        for header in group {
            let changes = changes(server, &header.commit, &mut images).await?;
            let (meta, digest) = (header.commit.meta.clone(), header.commit.digest);
            commits.push(Commit { meta, digest, changes });
        }
    }
    Ok(commits)
}

async fn images_of(
    server: &Arc<Connection>,
    timeline: TimelineId,
    group: &[Header],
) -> Result<Images> {
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return Ok(Images::new());
    };
    let source = RowSource {
        rows: first.rows,
        above: first.commit.meta.lsn.back(1).unwrap_or_default(),
        upto: last.commit.meta.lsn,
    };
    let mut wanted: BTreeMap<CollectionId, Vec<String>> = BTreeMap::new();
    for change in group.iter().flat_map(|header| &header.commit.changes) {
        wanted.entry(change.collection).or_default().push(key::encode(&change.key));
    }
    let mut images = Images::new();
    for (collection, mut keys) in wanted {
        if first.rows != timeline {
            // An extent has no other versions.
            let query = versions_of_extent(&source, collection);
            read_images(server, &source, collection, query, &mut images).await?;
            continue;
        }
        keys.sort_unstable();
        keys.dedup();
        let keys: Vec<&String> = keys.iter().collect();
        for keys in keys.chunks(KEYS) {
            let query = versions_of_keys(&source, collection, keys.iter().copied());
            read_images(server, &source, collection, query, &mut images).await?;
        }
    }
    Ok(images)
}

async fn read_images(
    server: &Arc<Connection>,
    source: &RowSource,
    collection: CollectionId,
    query: Vec<bson::Document>,
    images: &mut Images,
) -> Result<()> {
    let versions = server.collection(schema::VERSIONS);
    let query = versions
        .aggregate(query)
        .batch_size(u32::try_from(STEP_CHANGES).unwrap_or(u32::MAX))
        .read_concern(ReadConcern::local())
        .max_time(READ_TIME)
        .with_type::<bson::RawDocumentBuf>();
    let mut rows = server.rows("read the documents of commits", query).await?;
    while let Some(row) = rows.next().await? {
        let key = text_field(row, VERSION, "k")?;
        let found = StoredVersion::of(row, source, Named { collection, key })?;
        images.insert((found.lsn, collection, key.to_owned()), found);
    }
    Ok(())
}

async fn changes(
    server: &Arc<Connection>,
    commit: &Commit<Touched>,
    images: &mut Images,
) -> Result<Vec<Change>> {
    let lsn = commit.meta.lsn;
    let mut changes = Vec::with_capacity(commit.changes.len());
    for Touched { collection, key, deleted } in &commit.changes {
        let found = images.remove(&(lsn, *collection, key::encode(key)));
        let found = found.filter(|found| found.document.is_none() == *deleted);
        let found = found.ok_or_else(|| lacks_image(lsn, key))?;
        let image: Image = found.image(server).await?;
        changes.push(Change { collection: *collection, key: key.clone(), image });
    }
    Ok(changes)
}

fn lacks_image(lsn: Lsn, key: &Key) -> Error {
    Error::corrupt(format!("commit {lsn} lacks its image of the document with _id {key}"))
}

/// Matches the versions of some keys in a source.
pub(super) fn versions_of_keys<'a>(
    source: &RowSource,
    collection: CollectionId,
    keys: impl IntoIterator<Item = &'a String>,
) -> Vec<bson::Document> {
    let keys: Vec<Bson> = keys.into_iter().map(|key| Bson::String(key.clone())).collect();
    vec![
        doc! { "$match": {
            "t": id(source.rows),
            "c": collection.get().cast_signed(),
            "k": { "$in": keys },
        } },
        doc! { "$match": { "l": positions(source) } },
    ]
}

/// Matches the versions of a collection in an extent.
pub(super) fn versions_of_extent(
    source: &RowSource,
    collection: CollectionId,
) -> Vec<bson::Document> {
    let rows = doc! { "t": id(source.rows), "c": collection.get().cast_signed() };
    vec![doc! { "$match": rows }, doc! { "$match": { "l": positions(source) } }]
}
