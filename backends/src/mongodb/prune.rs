//! Garbage collection of a timeline.
//!
//! The floor of the timeline is published first, and from then on no reader asks for a commit at or
//! below it; one in the middle of a walk looks at the floor again before it misses a commit. Then the
//! versions go that no kept state reads, and the headers at or below the floor. Each removal stands
//! for itself, and none of them changes what a kept state is made of, so there is no transaction: cut
//! off anywhere, the same call goes on. Versions above the floor stay, whatever is kept, so that the
//! log above it is whole.

use std::sync::Arc;

use argon_core::Result;
use argon_core::model::{Lsn, TimelineId};
use argon_core::storage::{Reclaimed, RetainedStates, TimelineState};
use bson::{Document, doc};

use super::extents::Extent;
use super::factory::Store;
use super::failure::Failure;
use super::old_versions::remove_old_versions;
use super::record::id;
use super::removal::{Mode, Removal};
use super::schema;
use super::timeline::raised;

/// The floor of a timeline of which so much is kept.
fn floor_for(state: &TimelineState, keep: &RetainedStates) -> Lsn {
    let from = keep.from.map_or(state.head.lsn, |from| from.min(state.head.lsn));
    state.floor.max(from.back(1).unwrap_or_default())
}

impl Store {
    /// Removes, or counts, what no kept state of a timeline needs.
    pub(super) async fn prune(
        self: &Arc<Self>,
        timeline: TimelineId,
        keep: &RetainedStates,
        mode: Mode,
    ) -> Result<Reclaimed> {
        let Some(record) = self.timeline(timeline).await? else { return Ok(Reclaimed::default()) };
        let floor = floor_for(&record.state, keep);
        if floor == record.state.timeline.base_lsn() {
            return Ok(Reclaimed::default());
        }
        if mode == Mode::Remove && floor > record.state.floor {
            self.change_timeline(timeline, raised(floor)).await?;
        }
        let extents = self.known_extents(timeline, record.state.head.lsn).await?;
        let full: Vec<&Extent> = extents.iter().filter(|extent| !extent.empty).collect();
        let places: Vec<TimelineId> =
            std::iter::once(timeline).chain(full.iter().map(|extent| extent.name)).collect();
        let needs = |written: Lsn, replaced| written > floor || keep.needs(written, replaced);
        let mut removal = Removal::new(self, mode);
        let empty = remove_old_versions(self, &places, needs, &mut removal).await?;
        let freed = removal.commits_upto(timeline, floor).await?;
        if mode == Mode::Remove {
            for extent in full.iter().filter(|extent| empty.contains(&extent.name)) {
                self.note_empty(extent.name).await?;
            }
        }
        Ok(freed)
    }

    /// Removes a timeline: its rows, then its extents, and its record last. It is sealed before and its
    /// floor raised to its head, so that what is left of it when this is cut off reads as nothing.
    pub(super) async fn drop_timeline(self: &Arc<Self>, timeline: TimelineId) -> Result<Reclaimed> {
        let Some(record) = self.timeline_alone(timeline).await? else {
            return Ok(Reclaimed::default());
        };
        let mut ending = raised(record.state.head.lsn);
        ending.insert("$set", doc! { "sealed": true });
        self.change_timeline(timeline, ending).await?;
        let places = self.all_places(timeline).await?;
        let freed = self.all_rows(timeline, &places, Mode::Remove).await?;
        for place in places {
            self.remove(schema::PARTS, doc! { "t": id(place) }).await?;
        }
        // Without this, whoever looks at the timeline would miss the extents.
        self.change_timeline(timeline, doc! { "$set": { "pieces": 0_i64 } }).await?;
        self.remove(schema::PIECES, doc! { "t": id(timeline) }).await?;
        self.remove(schema::TIMELINES, doc! { "_id": id(timeline) }).await?;
        self.extents.forget(timeline);
        Ok(freed)
    }

    /// What [`drop_timeline`](Self::drop_timeline) would free.
    pub(super) async fn droppable(
        self: &Arc<Self>,
        timeline: TimelineId,
    ) -> Result<Option<Reclaimed>> {
        if self.timeline_alone(timeline).await?.is_none() {
            return Ok(None);
        }
        let places = self.all_places(timeline).await?;
        self.all_rows(timeline, &places, Mode::Count).await.map(Some)
    }

    /// Where versions of a timeline are: among its own rows and in its extents.
    async fn all_places(&self, timeline: TimelineId) -> Result<Vec<TimelineId>> {
        let extents = self.published_extents(timeline, Lsn::MAX).await?;
        Ok(std::iter::once(timeline).chain(extents.iter().map(|extent| extent.name)).collect())
    }

    /// Removes, or counts, all versions and headers of a timeline.
    async fn all_rows(
        self: &Arc<Self>,
        timeline: TimelineId,
        places: &[TimelineId],
        mode: Mode,
    ) -> Result<Reclaimed> {
        let mut removal = Removal::new(self, mode);
        remove_old_versions(self, places, |_, _| false, &mut removal).await?;
        removal.commits_upto(timeline, Lsn::MAX).await
    }

    /// Changes the record of a timeline in a way that is no harm to do again.
    async fn change_timeline(&self, timeline: TimelineId, change: Document) -> Result<()> {
        self.change(schema::TIMELINES, timeline, change).await
    }

    async fn note_empty(&self, extent: TimelineId) -> Result<()> {
        self.change(schema::PIECES, extent, doc! { "$set": { "empty": true } }).await
    }

    async fn change(
        &self,
        collection: &'static str,
        name: TimelineId,
        change: Document,
    ) -> Result<()> {
        const ATTEMPTS: usize = 5;
        self.raise_format().await?;
        let collection = self.server.collection(collection);
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let update = collection.update_one(doc! { "_id": id(name) }, change.clone());
            match self.server.write("note what is removed of a timeline", update).await {
                Ok(_) => return Ok(()),
                Err(Failure::Definite(error)) => return Err(error),
                Err(failure) => last = Some(failure.into_error()),
            }
        }
        last.map_or(Ok(()), Err)
    }
}
