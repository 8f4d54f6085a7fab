//! The builds of indexes on each timeline: one document each, and the last number of a build.
//!
//! The document and the record of its timeline have one *revision*, which every change of the builds
//! raises in one transaction. An append requires the revision at which its caller's builds were read,
//! so none misses an index that was completed meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::model::{Lsn, Timeline, TimelineId};
use argon_core::storage::{BuildId, IndexBuild, IndexChanges, inherited, maintained};
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

/// The builds of a timeline after an append above `head` that ends the maintenance of those in `ended`;
/// `None` if the changes are not for exactly the maintained builds.
pub(super) fn after_append(
    before: &BuildList,
    changes: Option<&IndexChanges>,
    head: Lsn,
    ended: &[BuildId],
) -> Option<Arc<[IndexBuild]>> {
    let close =
        |build: &IndexBuild| IndexBuild { status: build.status.closed(head), ..build.clone() };
    let Some(changes) = changes else {
        return Some(before.builds.iter().map(close).collect());
    };
    if changes.builds != maintained(&before.builds) {
        return None;
    }
    let kept = before
        .builds
        .iter()
        .map(|build| if ended.contains(&build.id) { close(build) } else { build.clone() });
    let begun = changes.begun.iter().filter(|build| !ended.contains(&build.id)).cloned();
    let multikey = |mut build: IndexBuild| {
        build.multikey |= changes.multikey.contains(&build.id);
        build
    };
    Some(kept.chain(begun).map(multikey).collect())
}

#[cfg(test)]
mod tests {
    use argon_core::model::CollectionId;
    use argon_core::storage::BuildStatus;

    use super::*;

    fn build(id: u32, status: BuildStatus) -> IndexBuild {
        IndexBuild {
            id: BuildId(id),
            collection: CollectionId::new(7),
            definition: Arc::default(),
            status,
            inherited: false,
            multikey: false,
        }
    }

    #[test]
    fn an_append_is_for_exactly_the_maintained_builds() {
        let kept = BuildStatus::Maintained { from: Lsn::new(2) };
        let list =
            |builds: Vec<IndexBuild>| BuildList { builds: builds.into(), ..BuildList::default() };
        let before = list(vec![build(1, kept), build(2, BuildStatus::Building), build(3, kept)]);
        let changes = |builds: &[u32]| IndexChanges {
            builds: builds.iter().copied().map(BuildId).collect(),
            multikey: vec![BuildId(3)],
            begun: vec![build(9, BuildStatus::Maintained { from: Lsn::new(8) })],
            ..IndexChanges::default()
        };
        let after = |builds: &[u32], ended: &[BuildId]| {
            after_append(&before, Some(&changes(builds)), Lsn::new(7), ended)
        };
        assert!(after(&[1], &[]).is_none() && after(&[1, 2, 3], &[]).is_none());
        let found = after(&[1, 3], &[]).unwrap();
        assert_eq!(maintained(&found), [1, 3, 9].map(BuildId));
        assert_eq!(found.iter().filter(|build| build.multikey).count(), 1);
        let closed = BuildStatus::Closed { from: Lsn::new(2), until: Lsn::new(7) };
        let found = after(&[1, 3], &[BuildId(1), BuildId(9)]).unwrap();
        assert_eq!((found.len(), found[0].status), (3, closed));
        let none = after_append(&before, None, Lsn::new(7), &[]).unwrap();
        assert_eq!(maintained(&none), []);
        assert_eq!(none[1].status, BuildStatus::Building);
    }
}
