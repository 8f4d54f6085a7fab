//! Finds missing and unexpected records.
//!
//! Core verifies the log itself (digests, gaps) by reading it. This compares the counts in the commits of
//! a timeline or extent with the rows, which the server counts, so only counts are transferred.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::Finding;
use argon_core::{Error, ErrorKind, Result};
use bson::{Document, RawDocumentBuf, doc};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use mongodb::options::ReadConcern;

use super::build_record::BuildList;
use super::builds::Builds;
use super::connection::Connection;
use super::entries::ENTRY;
use super::parts::NOWHERE;
use super::record::{TimelineRecord, id, id_field, int_field, lsn, lsn_field};
use super::retry::ATTEMPTS;
use super::schema;
use super::timeline::Timelines;

/// The missing and unexpected records. Timelines that writers keep changing are skipped.
pub(super) fn verify(
    timelines: Arc<Timelines>,
    builds: Arc<Builds>,
) -> BoxStream<'static, Result<Finding>> {
    stream::once(async move {
        let ids = timelines.ids().await?;
        let unknown_builds = unknown_builds(timelines.clone(), builds.clone(), ids.clone());
        let refs = {
            let server = timelines.server.clone();
            async move { super::refs::damaged(&server).await }
        };
        let unknown_places = unknown_places(timelines.clone(), ids.clone());
        let checked = stream::iter(ids).then(move |timeline| {
            let (timelines, builds) = (timelines.clone(), builds.clone());
            async move { check_timeline(&timelines, &builds, timeline).await }
        });
        let problems = checked
            .chain(stream::once(unknown_places))
            .chain(stream::once(unknown_builds))
            .chain(stream::once(refs));
        Ok::<_, Error>(
            problems.map_ok(|problems| stream::iter(problems.into_iter().map(Ok))).try_flatten(),
        )
    })
    .try_flatten()
    .map_ok(|problem| Finding { problem })
    .boxed()
}

/// Counts of versions and parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    versions: i64,
    parts: i64,
}

async fn check_timeline(
    timelines: &Timelines,
    builds: &Builds,
    timeline: TimelineId,
) -> Result<Vec<String>> {
    for _ in 0..ATTEMPTS {
        let before = timelines.record(timeline).await?;
        let Some(record) = before else { return Ok(Vec::new()) };
        let head = record.state.head.lsn;
        let floor = record.state.floor;
        let pruned = floor > record.state.timeline.base_lsn();
        let mut problems = check_commits(&timelines.server, timeline, floor, head, pruned).await?;
        let own = Checked { timeline, extent: None, floor, head, pruned };
        problems.extend(check_place(&timelines.server, own).await?);
        let extents = timelines.extents_of(timeline, head).await?;
        for extent in extents.iter() {
            let extent = Checked { extent: Some(extent.name), ..own };
            problems.extend(check_place(&timelines.server, extent).await?);
        }
        // Of a timeline that is being dropped, the record of the builds goes first.
        if !record.state.sealed || floor < head {
            problems.extend(check_entries(timelines, builds, &record).await?);
        }
        if problems.is_empty() || timelines.record(timeline).await? == before {
            return Ok(problems);
        }
    }
    Ok(Vec::new())
}

/// Checks that the list of builds of a timeline is the one that its record names, and that each entry
/// belongs to one of them. Core compares entries with documents.
async fn check_entries(
    timelines: &Timelines,
    builds: &Builds,
    record: &TimelineRecord,
) -> Result<Vec<String>> {
    let timeline = record.state.timeline.id;
    // A list is read after the entries, so that it has the builds whose entries were found, except those
    // that were removed meanwhile.
    let found = numbers(&timelines.server, timeline).await?;
    let list = match timelines.with_builds(builds, timeline).await {
        Ok(found) => found.map_or_else(BuildList::default, |(_, list)| list),
        Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(vec![error.to_string()]),
        Err(error) => return Err(error),
    };
    let mut unknown = Vec::new();
    for number in found {
        let is_known = list.builds.iter().any(|build| u64::from(build.id.0) == number);
        if !is_known && numbers(&timelines.server, timeline).await?.contains(&number) {
            unknown.push(format!(
                "timeline {timeline} has index entries of build {number}, which is missing"
            ));
        }
    }
    Ok(unknown)
}

/// The numbers of the builds that a timeline has entries of.
async fn numbers(server: &Arc<Connection>, timeline: TimelineId) -> Result<BTreeSet<u64>> {
    let entries = server.collection(schema::ENTRIES);
    let pipeline = vec![
        doc! { "$match": { "t": id(timeline) } },
        doc! { "$sort": { "t": 1, "b": 1 } },
        doc! { "$group": { "_id": "$b" } },
    ];
    let query = entries
        .aggregate(pipeline)
        .allow_disk_use(true)
        .read_concern(ReadConcern::local())
        .with_type::<RawDocumentBuf>();
    let mut rows = server.rows_of_many("list the indexes with entries", query).await?;
    let mut numbers = BTreeSet::new();
    while let Some(row) = rows.next().await? {
        numbers.insert(int_field(row, ENTRY, "_id")?.unsigned_abs());
    }
    Ok(numbers)
}

/// Finds lists of builds of timelines that do not exist.
async fn unknown_builds(
    timelines: Arc<Timelines>,
    builds: Arc<Builds>,
    known: Vec<TimelineId>,
) -> Result<Vec<String>> {
    let known: HashSet<TimelineId> = known.into_iter().collect();
    let mut problems = Vec::new();
    for timeline in builds.timelines().await? {
        // It may have been created since.
        if !known.contains(&timeline) && timelines.record_alone(timeline).await?.is_none() {
            problems.push(format!(
                "there is a list of indexes of timeline {timeline}, which is missing"
            ));
        }
    }
    Ok(problems)
}

/// Checks that a timeline has one commit at each position above its floor, and no other; below the
/// floor, a `pruned` timeline may have more.
async fn check_commits(
    server: &Arc<Connection>,
    timeline: TimelineId,
    base: Lsn,
    head: Lsn,
    pruned: bool,
) -> Result<Vec<String>> {
    let count = doc! { "$group": {
        "_id": bson::Bson::Null,
        "count": { "$sum": 1_i64 },
        "first": { "$min": "$l" },
        "last": { "$max": "$l" },
    } };
    let begin = if pruned { lsn(base.next()) } else { 0 };
    let matched = doc! { "$match": { "t": id(timeline), "l": { "$gte": begin } } };
    let Some(row) = one(server, schema::COMMITS, vec![matched, count]).await? else {
        let lacking = head.get().saturating_sub(base.get());
        return Ok((lacking > 0)
            .then(|| format!("timeline {timeline} lacks all of its {lacking} commits"))
            .into_iter()
            .collect());
    };
    let (first, last) = (lsn_field(&row, "count", "first")?, lsn_field(&row, "count", "last")?);
    let count = int_field(&row, "count", "count")?.unsigned_abs();
    let mut problems = Vec::new();
    if first <= base || last > head {
        problems.push(format!(
            "timeline {timeline} has commits from LSN {first} to {last}, but it begins after {base} \
             and ends at {head}"
        ));
    } else if count != head.get().saturating_sub(base.get()) {
        problems
            .push(format!("timeline {timeline} has {count} commits between LSN {base} and {head}"));
    }
    Ok(problems)
}

/// A place, and the facts about its timeline.
#[derive(Clone, Copy)]
struct Checked {
    timeline: TimelineId,
    extent: Option<TimelineId>,
    floor: Lsn,
    head: Lsn,
    /// Whether the floor lies above the base.
    pruned: bool,
}

/// Compares the counts in commits with the rows of a place. Below the floor of a pruned timeline, the
/// expected counts are unknown.
async fn check_place(server: &Arc<Connection>, checked: Checked) -> Result<Vec<String>> {
    let Checked { timeline, extent, floor, head, pruned } = checked;
    let (place, name) = match extent {
        None => (timeline, format!("timeline {timeline}")),
        Some(extent) => (extent, format!("piece {extent} of timeline {timeline}")),
    };
    let in_extent = extent.map_or(bson::Bson::Null, |extent| id(extent).into());
    let headers = vec![
        doc! { "$match": { "t": id(timeline), "l": { "$gt": lsn(floor), "$lte": lsn(head) } } },
        doc! { "$match": { "piece": in_extent } },
        sums("$changes"),
    ];
    let mut expected = counts(server, schema::COMMITS, headers).await?;
    let mut rows = doc! { "t": id(place) };
    if pruned {
        rows.insert("l", doc! { "$gt": lsn(floor) });
    }
    let versions = vec![doc! { "$match": rows }, sums(1_i64)];
    let found = counts(server, schema::VERSIONS, versions).await?;
    expected.parts = expected.parts.saturating_add(found.parts);
    let mut parts = count(server, schema::PARTS, doc! { "t": id(place) }).await?;
    if pruned {
        parts = parts.min(expected.parts);
    }
    let found = Counts { versions: found.versions, parts };
    Ok(differences(&name, expected, found))
}

/// The differences between expected and actual counts.
fn differences(name: &str, expected: Counts, found: Counts) -> Vec<String> {
    let pairs = [
        ("versions", expected.versions, found.versions),
        ("parts of large values", expected.parts, found.parts),
    ];
    pairs
        .into_iter()
        .filter(|(_, expected, found)| expected != found)
        .map(|(what, expected, found)| {
            let off = expected.saturating_sub(found).unsigned_abs();
            if expected > found {
                format!("{name} lacks {off} {what} that its commits list")
            } else {
                format!("{name} has {off} {what} that no commit lists")
            }
        })
        .collect()
}

/// Finds rows of places that are neither timelines nor extents, and missing parts of snapshots.
async fn unknown_places(timelines: Arc<Timelines>, known: Vec<TimelineId>) -> Result<Vec<String>> {
    let server = &timelines.server;
    let mut problems = Vec::new();
    let mut known: HashSet<TimelineId> = known.into_iter().collect();
    for collection in [schema::VERSIONS, schema::PARTS, schema::COMMITS, schema::ENTRIES] {
        for place in places(server, collection).await? {
            if place == NOWHERE || known.contains(&place) {
                continue;
            }
            // It may have been created since.
            if timelines.record(place).await?.is_some() || has_extent(server, place).await? {
                known.insert(place);
            } else {
                problems.push(format!(
                    "the collection {collection} has rows under {place}, which is neither a timeline \
                     nor a piece of one"
                ));
            }
        }
    }
    let mut expected = 0;
    for collection in [schema::CHUNKS, schema::MANIFESTS] {
        let parts = counts(server, collection, vec![sums(1_i64)]).await?.parts;
        expected = parts.saturating_add(expected);
    }
    let found = count(server, schema::PARTS, doc! { "t": id(NOWHERE) }).await?;
    if found < expected {
        problems.push(format!(
            "snapshots lack {} parts of large values",
            expected.saturating_sub(found)
        ));
    }
    Ok(problems)
}

async fn has_extent(server: &Arc<Connection>, name: TimelineId) -> Result<bool> {
    Ok(count(server, schema::PIECES, doc! { "_id": id(name) }).await? > 0)
}

/// The places with rows in a collection; the server skips from one to the next in the index.
async fn places(server: &Arc<Connection>, collection: &str) -> Result<Vec<TimelineId>> {
    let pipeline = vec![doc! { "$sort": { "t": 1 } }, doc! { "$group": { "_id": "$t" } }];
    let collection = server.collection(collection);
    let query = collection
        .aggregate(pipeline)
        .allow_disk_use(true)
        .read_concern(ReadConcern::local())
        .with_type::<RawDocumentBuf>();
    let mut rows = server.rows_of_many("list the owners of rows", query).await?;
    let mut places = Vec::new();
    while let Some(row) = rows.next().await? {
        places.push(id_field(row, "row", "_id")?);
    }
    Ok(places)
}

fn sums(versions: impl Into<bson::Bson>) -> Document {
    // Above any real count, and low enough that a sum of damaged counts does not overflow.
    const MOST: i64 = 1 << 40;
    let bounded = |count: bson::Bson| doc! { "$max": [{ "$min": [count, MOST] }, -MOST] };
    doc! { "$group": {
        "_id": bson::Bson::Null,
        "versions": { "$sum": bounded(versions.into()) },
        "parts": { "$sum": bounded(doc! { "$ifNull": ["$n", 0_i64] }.into()) },
    } }
}

async fn counts(
    server: &Arc<Connection>,
    collection: &str,
    pipeline: Vec<Document>,
) -> Result<Counts> {
    let Some(row) = one(server, collection, pipeline).await? else { return Ok(Counts::default()) };
    Ok(Counts {
        versions: int_field(&row, "count", "versions")?,
        parts: int_field(&row, "count", "parts")?,
    })
}

async fn count(server: &Arc<Connection>, collection: &str, filter: Document) -> Result<i64> {
    let pipeline = vec![doc! { "$match": filter }, doc! { "$count": "count" }];
    let row = one(server, collection, pipeline).await?;
    row.map_or(Ok(0), |row| int_field(&row, "count", "count"))
}

/// The one row of a pipeline.
async fn one(
    server: &Arc<Connection>,
    collection: &str,
    pipeline: Vec<Document>,
) -> Result<Option<RawDocumentBuf>> {
    let collection = server.collection(collection);
    let query = collection
        .aggregate(pipeline)
        .allow_disk_use(true)
        .read_concern(ReadConcern::local())
        .with_type::<RawDocumentBuf>();
    let mut rows = server.rows_of_many("count records", query).await?;
    Ok(rows.next().await?.map(ToOwned::to_owned))
}
