//! Garbage collection of a timeline.
//!
//! The floor of the timeline is raised first. From then on, no reader requests a commit at or below it;
//! a walk that misses a commit reads the floor again before it reports an error. Then the versions that
//! no retained state reads are removed, and the headers at or below the floor. No removal changes the
//! content of a retained state, so none of this is a transaction; after an interruption, the same call
//! resumes. Versions above the floor are never removed, so the log above it stays whole.

use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{BuildId, Reclaimed, RetainedStates, TimelineState};
use bson::{Bson, Document, doc};
use mongodb::options::ReadConcern;

use super::build_change::BuildChanges;
use super::build_record::BuildList;
use super::connection::Connection;
use super::entries::Place;
use super::extents::Extent;
use super::indexes::size;
use super::old_versions::remove_old_versions;
use super::record::{id, int_field, lsn};
use super::removal::{Mode, Removal, remove};
use super::schema;
use super::timeline::{Timelines, raised};

/// The floor of a timeline for the retained states.
fn floor_for(state: &TimelineState, keep: &RetainedStates) -> Lsn {
    let from = keep.from.map_or(state.head.lsn, |from| from.min(state.head.lsn));
    state.floor.max(from.back(1).unwrap_or_default())
}

/// Prunes and drops timelines.
pub(super) struct TimelineRemoval {
    pub(super) timelines: Arc<Timelines>,
    pub(super) changes: Arc<BuildChanges>,
}

impl TimelineRemoval {
    fn server(&self) -> &Arc<Connection> {
        &self.timelines.server
    }

    /// Removes, or counts, the rows of a timeline that no retained state needs.
    pub(super) async fn prune(
        &self,
        timeline: TimelineId,
        keep: &RetainedStates,
        mode: Mode,
    ) -> Result<Reclaimed> {
        let Some(record) = self.timelines.record(timeline).await? else {
            return Ok(Reclaimed::default());
        };
        let floor = floor_for(&record.state, keep);
        if floor == record.state.timeline.base_lsn() {
            return Ok(Reclaimed::default());
        }
        if mode == Mode::Remove && floor > record.state.floor {
            self.timelines.change(timeline, raised(floor)).await?;
        }
        let extents = self.timelines.extents_of(timeline, record.state.head.lsn).await?;
        let full: Vec<&Extent> = extents.iter().filter(|extent| !extent.empty).collect();
        let places: Vec<TimelineId> =
            std::iter::once(timeline).chain(full.iter().map(|extent| extent.name)).collect();
        let needs = |written: Lsn, replaced| written > floor || keep.needs(written, replaced);
        let mut removal = Removal::new(self.server(), mode);
        let empty = remove_old_versions(self.server(), &places, needs, &mut removal).await?;
        let mut freed = removal.commits_upto(timeline, floor).await?;
        if record.builds > 0 {
            freed.bytes += self.prune_entries(timeline, keep, mode).await?;
        }
        if mode == Mode::Remove {
            for extent in full.iter().filter(|extent| empty.contains(&extent.name)) {
                self.timelines.extents.note_empty(extent.name).await?;
            }
        }
        Ok(freed)
    }

    /// Removes, or counts, the entries of indexes that no retained state needs, and the builds whose last
    /// state is not retained. Returns their bytes.
    async fn prune_entries(
        &self,
        timeline: TimelineId,
        keep: &RetainedStates,
        mode: Mode,
    ) -> Result<u64> {
        let found = self.timelines.with_builds(&self.changes.builds, timeline).await?;
        let list = found.map_or_else(BuildList::default, |(_, list)| list);
        let mut unneeded: Vec<BuildId> = Vec::new();
        let mut rows: Vec<Document> = Vec::new();
        for build in list.builds.iter() {
            let place = Place { timeline, build: build.id };
            if build.status.is_needed(keep) {
                rows.push(ended_unneeded(place, keep));
            } else {
                rows.push(place.all());
                unneeded.push(build.id);
            }
        }
        let mut bytes = 0;
        for rows in rows {
            bytes += entry_bytes(self.server(), rows.clone()).await?;
            if mode == Mode::Remove {
                remove(self.server(), schema::ENTRIES, rows).await?;
            }
        }
        if mode == Mode::Remove && !unneeded.is_empty() {
            self.changes.remove(timeline, &unneeded).await?;
        }
        Ok(bytes)
    }

    /// Removes a timeline: its rows, its extents, and last its record. Before that it is sealed, and its
    /// floor raised to its head, so that the rest reads as empty after an interruption.
    pub(super) async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        let Some(record) = self.timelines.record_alone(timeline).await? else {
            return Ok(Reclaimed::default());
        };
        let mut ending = raised(record.state.head.lsn);
        ending.insert("$set", doc! { "sealed": true });
        self.timelines.change(timeline, ending).await?;
        let places = self.all_places(timeline).await?;
        let freed = self.all_rows(timeline, &places, Mode::Remove).await?;
        for place in places {
            remove(self.server(), schema::PARTS, doc! { "t": id(place) }).await?;
        }
        // Otherwise a reader of the timeline would report its extents and indexes as missing.
        let none = doc! { "$set": { "pieces": 0_i64 }, "$unset": { "builds": "" } };
        self.timelines.change(timeline, none).await?;
        remove(self.server(), schema::ENTRIES, doc! { "t": id(timeline) }).await?;
        remove(self.server(), schema::BUILDS, doc! { "_id": id(timeline) }).await?;
        remove(self.server(), schema::PIECES, doc! { "t": id(timeline) }).await?;
        remove(self.server(), schema::TIMELINES, doc! { "_id": id(timeline) }).await?;
        self.timelines.extents.forget(timeline);
        self.changes.builds.forget(timeline);
        Ok(freed)
    }

    /// The space that [`drop_timeline`](Self::drop_timeline) would free.
    pub(super) async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        if self.timelines.record_alone(timeline).await?.is_none() {
            return Ok(None);
        }
        let places = self.all_places(timeline).await?;
        self.all_rows(timeline, &places, Mode::Count).await.map(Some)
    }

    /// The places of the versions of a timeline: the timeline itself and its extents.
    async fn all_places(&self, timeline: TimelineId) -> Result<Vec<TimelineId>> {
        let extents = self.timelines.extents.published(timeline, Lsn::MAX).await?;
        Ok(std::iter::once(timeline).chain(extents.iter().map(|extent| extent.name)).collect())
    }

    /// Removes, or counts, all versions and headers of a timeline.
    async fn all_rows(
        &self,
        timeline: TimelineId,
        places: &[TimelineId],
        mode: Mode,
    ) -> Result<Reclaimed> {
        let mut removal = Removal::new(self.server(), mode);
        remove_old_versions(self.server(), places, |_, _| false, &mut removal).await?;
        let mut freed = removal.commits_upto(timeline, Lsn::MAX).await?;
        freed.bytes += entry_bytes(self.server(), doc! { "t": id(timeline) }).await?;
        Ok(freed)
    }
}

/// Matches the entries of past states of a build of which no state is retained: between the two retained
/// states that are next to each other, for each such pair.
pub(super) fn ended_unneeded(place: Place, keep: &RetainedStates) -> Document {
    let below_all = keep.from.unwrap_or(Lsn::MAX);
    let points = keep.points.range(..below_all).copied();
    let ends = points.clone().map(Some).chain([keep.from]);
    let spans = [None].into_iter().chain(points.map(Some)).zip(ends).map(|(after, upto)| {
        let mut span = Document::new();
        span.extend(after.map(|after| ("f".to_owned(), Bson::from(doc! { "$gt": lsn(after) }))));
        span.extend(upto.map(|upto| ("x".to_owned(), Bson::from(doc! { "$lte": lsn(upto) }))));
        span
    });
    let spans: Vec<Document> = spans.collect();
    let mut ended = doc! { "t": id(place.timeline), "b": place.number(true) };
    // Without a retained state, all have ended.
    if !spans.iter().any(Document::is_empty) {
        ended.insert("$or", spans);
    }
    ended
}

/// The bytes of the documents of some entries.
async fn entry_bytes(server: &Arc<Connection>, rows: Document) -> Result<u64> {
    let entries = server.collection(schema::ENTRIES);
    let query = entries
        .aggregate(vec![doc! { "$match": rows }, size()])
        .allow_disk_use(true)
        .read_concern(ReadConcern::local())
        .with_type::<bson::RawDocumentBuf>();
    let mut rows = server.rows_of_many("measure entries of indexes", query).await?;
    let Some(row) = rows.next().await? else { return Ok(0) };
    Ok(int_field(row, "size", "bytes")?.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use argon_core::storage::BuildId;

    use super::*;

    /// Whether a document of these fields matches, for the operators that are used here.
    fn matches(filter: &Document, from: Lsn, to: Lsn) -> bool {
        let Ok(spans) = filter.get_array("$or") else { return true };
        spans.iter().any(|span| {
            let span = span.as_document().unwrap();
            let bound = |field: &str, operator: &str| {
                span.get_document(field).ok().map(|bound| bound.get_i64(operator).unwrap())
            };
            bound("f", "$gt").is_none_or(|after| lsn(from) > after)
                && bound("x", "$lte").is_none_or(|upto| lsn(to) <= upto)
        })
    }

    #[test]
    fn an_entry_that_ended_is_removed_if_no_retained_state_has_it() {
        let place = Place { timeline: TimelineId::from_bytes([1; 16]), build: BuildId(1) };
        for from in [None, Some(0), Some(1), Some(5), Some(9)] {
            for points in [vec![], vec![3], vec![2, 3, 6], vec![5, 8]] {
                let points: BTreeSet<Lsn> = points.into_iter().map(Lsn::new).collect();
                let keep = RetainedStates { from: from.map(Lsn::new), points };
                let filter = ended_unneeded(place, &keep);
                for written in 0..10 {
                    for ended in written + 1..11 {
                        let (written, ended) = (Lsn::new(written), Lsn::new(ended));
                        let is_needed = keep.needs(written, Some(ended));
                        let is_removed = matches(&filter, written, ended);
                        assert_eq!(is_removed, !is_needed, "{keep:?}: {written}..{ended}");
                    }
                }
            }
        }
    }
}
