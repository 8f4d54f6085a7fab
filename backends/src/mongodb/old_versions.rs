//! Finds the versions of a timeline that no retained state reads.
//!
//! The versions of a document are among the rows of the timeline and of any of its extents. So all
//! these places are read together in the order of the index (collection, key, newest first), without
//! documents. The predecessor of a version in this order replaced it, if both are of one document.
//! Each page is a query, bounded by the index on both sides.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use bson::{Bson, Document, RawDocument, doc};
use mongodb::options::ReadConcern;

use super::connection::{Connection, READ_TIME};
use super::lookup::VERSION;
use super::record::{field, id, int_field, lsn, lsn_field, missing, text_field};
use super::removal::{Removal, Removed};
use super::schema;

/// The rows in memory, of all places together, and the least of one place.
const ROWS: usize = 4_096;
const LEAST_ROWS: usize = 16;

/// A version without its document.
struct VersionRow {
    collection: i64,
    key: String,
    lsn: Lsn,
    removed: Removed,
}

/// The position from which a walk continues.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum WalkPosition {
    /// At the first collection after this one.
    Collection(Option<i64>),
    /// In a collection, after a key if one is given.
    Key(i64, Option<String>),
    /// At the versions of a key below a position.
    Below(i64, String, Lsn),
    End,
}

/// A walk over the versions of a place: a timeline or an extent.
struct VersionWalk {
    place: TimelineId,
    page: usize,
    from: WalkPosition,
    rows: VecDeque<VersionRow>,
    /// The count of versions that are kept.
    kept: u64,
}

/// A page of the versions of a place from `from` on, in the order of the index, without documents.
pub(super) fn page(place: TimelineId, from: &WalkPosition, rows: i64) -> Vec<Document> {
    let place = id(place);
    let matched = match from {
        WalkPosition::Collection(_) | WalkPosition::End => doc! { "t": place },
        WalkPosition::Key(collection, None) => doc! { "t": place, "c": *collection },
        WalkPosition::Key(collection, Some(key)) => {
            doc! { "t": place, "c": *collection, "k": { "$gt": key } }
        }
        WalkPosition::Below(collection, key, below) => {
            doc! { "t": place, "c": *collection, "k": key, "l": { "$lt": lsn(*below) } }
        }
    };
    vec![
        doc! { "$match": matched },
        doc! { "$sort": { "t": 1, "c": 1, "k": 1, "l": -1 } },
        doc! { "$limit": rows },
        doc! { "$project": {
            "c": 1, "k": 1, "l": 1, "o": 1, "bytes": { "$binarySize": "$d" },
        } },
    ]
}

/// Matches the versions of a place in the collections after one.
pub(super) fn collections_after(place: TimelineId, after: Option<i64>) -> Document {
    match after {
        Some(collection) => doc! { "t": id(place), "c": { "$gt": collection } },
        None => doc! { "t": id(place) },
    }
}

impl VersionWalk {
    fn new(place: TimelineId, page: usize) -> Self {
        Self { place, page, from: WalkPosition::Collection(None), rows: VecDeque::new(), kept: 0 }
    }

    /// The next row, without removing it from the walk.
    async fn peek(&mut self, server: &Arc<Connection>) -> Result<Option<&VersionRow>> {
        while self.rows.is_empty() && self.from != WalkPosition::End {
            self.read(server).await?;
        }
        Ok(self.rows.front())
    }

    async fn read(&mut self, server: &Arc<Connection>) -> Result<()> {
        if let WalkPosition::Collection(after) = &self.from {
            self.from = match self.collection_after(server, *after).await? {
                Some(next) => WalkPosition::Key(next, None),
                None => WalkPosition::End,
            };
            return Ok(());
        }
        let rows = i64::try_from(self.page).unwrap_or(i64::MAX);
        let versions = server.collection(schema::VERSIONS);
        let query = versions
            .aggregate(page(self.place, &self.from, rows))
            .allow_disk_use(true)
            .batch_size(u32::try_from(self.page + 1).unwrap_or(u32::MAX))
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME)
            .with_type::<bson::RawDocumentBuf>();
        let mut found = server.rows("list versions for pruning", query).await?;
        while let Some(row) = found.next().await? {
            self.rows.push_back(VersionRow::of(row, self.place)?);
        }
        let last = self.rows.back().filter(|_| self.rows.len() >= self.page);
        self.from = match (last, std::mem::replace(&mut self.from, WalkPosition::End)) {
            (Some(last), _) => WalkPosition::Below(last.collection, last.key.clone(), last.lsn),
            (None, WalkPosition::Below(collection, key, _)) => {
                WalkPosition::Key(collection, Some(key))
            }
            (None, WalkPosition::Key(collection, _)) => WalkPosition::Collection(Some(collection)),
            (None, other) => other,
        };
        Ok(())
    }

    async fn collection_after(
        &self,
        server: &Arc<Connection>,
        after: Option<i64>,
    ) -> Result<Option<i64>> {
        let versions = server.collection(schema::VERSIONS);
        let find = versions
            .find_one(collections_after(self.place, after))
            .sort(doc! { "t": 1, "c": 1, "k": 1, "l": -1 })
            .projection(doc! { "_id": 0, "c": 1 })
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let row = server.read("find the next collection", find).await?;
        row.map(|row| int_field(&row, VERSION, "c")).transpose()
    }
}

impl VersionRow {
    fn of(row: &RawDocument, place: TimelineId) -> Result<Self> {
        Ok(Self {
            collection: int_field(row, VERSION, "c")?,
            key: text_field(row, VERSION, "k")?.to_owned(),
            lsn: lsn_field(row, VERSION, "l")?,
            removed: Removed::of(row, place, VERSION)?,
        })
    }
}

/// The `_id` of a row.
pub(super) fn name_of(row: &RawDocument, what: &str) -> Result<Bson> {
    field(row, what, "_id")?.try_into().map_err(|_| missing(what, "_id"))
}

/// The next row of a walk; the walk with the greatest one continues.
type Position = Reverse<(i64, String, Reverse<Lsn>, usize)>;

/// Removes the versions in some places that are not needed, and returns the places that have none left.
/// `needs` gets the position of a version and of the one that replaced it.
///
/// It reads O(versions) rows of some 100 bytes, [`ROWS`] at a time.
pub(super) async fn remove_old_versions(
    server: &Arc<Connection>,
    places: &[TimelineId],
    needs: impl Fn(Lsn, Option<Lsn>) -> bool,
    removal: &mut Removal,
) -> Result<Vec<TimelineId>> {
    let page = (ROWS / places.len().max(1)).max(LEAST_ROWS);
    let mut walks: Vec<VersionWalk> =
        places.iter().map(|place| VersionWalk::new(*place, page)).collect();
    let mut next: BinaryHeap<Position> = BinaryHeap::with_capacity(walks.len());
    for at in 0..walks.len() {
        next.extend(position(server, &mut walks, at).await?);
    }
    let mut newer: Option<(i64, String, Lsn)> = None;
    while let Some(Reverse((.., at))) = next.pop() {
        let walk = &mut walks[at];
        let Some(row) = walk.rows.pop_front() else { continue };
        let replaced = newer
            .take()
            .filter(|(collection, key, _)| *collection == row.collection && *key == row.key)
            .map(|(_, _, lsn)| lsn);
        newer = Some((row.collection, row.key, row.lsn));
        if needs(row.lsn, replaced) {
            walk.kept += 1;
        } else {
            removal.version(row.removed).await?;
        }
        next.extend(position(server, &mut walks, at).await?);
    }
    removal.flush().await?;
    Ok(walks.iter().filter(|walk| walk.kept == 0).map(|walk| walk.place).collect())
}

async fn position(
    server: &Arc<Connection>,
    walks: &mut [VersionWalk],
    at: usize,
) -> Result<Option<Position>> {
    let row = walks[at].peek(server).await?;
    Ok(row.map(|row| Reverse((row.collection, row.key.clone(), Reverse(row.lsn), at))))
}
