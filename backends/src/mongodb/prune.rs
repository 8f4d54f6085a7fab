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
use argon_core::storage::{Reclaimed, RetainedStates, TimelineState};
use bson::doc;

use super::connection::Connection;
use super::extents::Extent;
use super::old_versions::remove_old_versions;
use super::record::id;
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
        let freed = removal.commits_upto(timeline, floor).await?;
        if mode == Mode::Remove {
            for extent in full.iter().filter(|extent| empty.contains(&extent.name)) {
                self.timelines.extents.note_empty(extent.name).await?;
            }
        }
        Ok(freed)
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
        // Otherwise a reader of the timeline would report its extents as missing.
        self.timelines.change(timeline, doc! { "$set": { "pieces": 0_i64 } }).await?;
        remove(self.server(), schema::PIECES, doc! { "t": id(timeline) }).await?;
        remove(self.server(), schema::TIMELINES, doc! { "_id": id(timeline) }).await?;
        self.timelines.extents.forget(timeline);
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
        removal.commits_upto(timeline, Lsn::MAX).await
    }
}
