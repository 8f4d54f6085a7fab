//! The builds of indexes on each timeline: one document each, and the last number of a build.
//!
//! The document and the record of its timeline have one *revision*, which every change of the builds
//! raises in one transaction. An append requires the revision at which its caller's builds were read,
//! so none misses an index that was completed meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::model::{Timeline, TimelineId};
use argon_core::storage::{BuildId, inherited};
use argon_core::{Error, Result};
use bson::doc;
use mongodb::options::{ReadConcern, ReturnDocument};

use super::build_record::{self, BuildList};
use super::connection::{Connection, READ_TIME};
use super::format::StoreFormat;
use super::record::{id, id_field, int_field};
use super::retry::until_known;
use super::schema;

/// The document with the last number.
pub(super) const LAST_NUMBER: &str = "last";

/// The size of the cache. When it is full it is cleared, which costs one request a timeline.
const MOST_TIMELINES: usize = 100_000;

/// Reads the builds of timelines, and reserves numbers for new ones.
pub(super) struct Builds {
    pub(super) server: Arc<Connection>,
    pub(super) format: Arc<StoreFormat>,
    /// Those of each timeline when they were last read or changed.
    cache: Mutex<HashMap<TimelineId, BuildList>>,
}

impl Builds {
    pub(super) fn new(server: &Arc<Connection>, format: &Arc<StoreFormat>) -> Self {
        Self { server: server.clone(), format: format.clone(), cache: Mutex::default() }
    }

    /// Reads the builds of a timeline; none for a timeline that has had none.
    ///
    /// A linearizable read, like that of the timeline's record: an older list could have a build as
    /// maintained that was closed below the state that is about to be read by it.
    pub(super) async fn read(&self, timeline: TimelineId) -> Result<BuildList> {
        let builds = self.server.collection(schema::BUILDS);
        let find = builds
            .find_one(doc! { "_id": id(timeline) })
            .read_concern(ReadConcern::linearizable())
            .max_time(READ_TIME);
        let row = self.server.read("read the indexes of a timeline", find).await?;
        let list =
            row.map_or_else(|| Ok(BuildList::default()), |row| build_record::decode(&row))?;
        self.note(timeline, list.clone());
        Ok(list)
    }

    /// The builds as they were last read or changed by this process.
    pub(super) fn cached(&self, timeline: TimelineId) -> Option<BuildList> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(&timeline).cloned()
    }

    pub(super) fn note(&self, timeline: TimelineId, list: BuildList) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MOST_TIMELINES {
            cache.clear();
        }
        cache.insert(timeline, list);
    }

    pub(super) fn forget(&self, timeline: TimelineId) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(&timeline);
    }

    /// The timelines that have builds.
    pub(super) async fn timelines(&self) -> Result<Vec<TimelineId>> {
        let builds = self.server.collection(schema::BUILDS);
        let query = builds
            .find(doc! { "_id": { "$ne": LAST_NUMBER } })
            .projection(doc! { "_id": 1 })
            .max_time(READ_TIME);
        let mut rows = self.server.rows("list the timelines with indexes", query).await?;
        let mut timelines = Vec::new();
        while let Some(row) = rows.next().await? {
            timelines.push(id_field(row, build_record::BUILDS, "_id")?);
        }
        Ok(timelines)
    }

    /// The builds that the first append to a timeline continues.
    pub(super) async fn inherited_by(&self, timeline: &Timeline) -> Result<BuildList> {
        let Some(base) = timeline.base else { return Ok(BuildList::default()) };
        let list = self.read(base.timeline).await?;
        let builds = inherited(&list.builds, base.lsn).into();
        Ok(BuildList { revision: 0, builds, begun: Arc::default() })
    }

    /// Reserves numbers. After a lost answer the request is repeated, and some numbers are skipped.
    pub(super) async fn reserve(&self, count: u32) -> Result<BuildId> {
        const WHAT: &str = "reserve numbers for indexes";
        self.format.raise_for_indexes().await?;
        let builds = self.server.collection(schema::BUILDS);
        let more = i64::from(count);
        let row = until_known(&self.server, || {
            let update = doc! { "$inc": { "last": more, "below": -more } };
            let update = builds
                .find_one_and_update(doc! { "_id": LAST_NUMBER }, update)
                .upsert(true)
                .return_document(ReturnDocument::After);
            self.server.write(WHAT, update)
        })
        .await?;
        let row = row.ok_or_else(|| Error::internal("the number of the last index is missing"))?;
        let last = int_field(&row, build_record::BUILDS, "last")?;
        if int_field(&row, build_record::BUILDS, "below")? != -last {
            return Err(Error::corrupt("the number of the last build of an index is malformed"));
        }
        let first =
            u32::try_from(last).ok().and_then(|last| last.checked_sub(count)?.checked_add(1));
        first.map(BuildId).ok_or_else(|| {
            Error::unsupported("the store has the most builds of indexes that it can number")
        })
    }
}
