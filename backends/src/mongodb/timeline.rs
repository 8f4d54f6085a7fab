//! The ends of timelines: one record each, which every append and seal moves.

use std::sync::Arc;

use argon_core::model::{Head, Lsn, Timeline, TimelineId, View};
use argon_core::storage::{Append, TimelineState};
use argon_core::{Error, Result};
use bson::{Bson, Document, doc};
use mongodb::options::ReadConcern;

use super::connection::READ_TIME;
use super::factory::Store;
use super::failure::Failure;
use super::record::{TimelineRecord, binary, id, lsn};
use super::schema;

impl Store {
    /// The record of a timeline.
    ///
    /// Read linearizably: a primary that was cut off and has not noticed yet would otherwise give a
    /// head from before those that another process has seen. All other reads are of what lies below
    /// a head that was read so, which every later primary has.
    pub(super) async fn timeline(&self, timeline: TimelineId) -> Result<Option<TimelineRecord>> {
        let Some(record) = self.timeline_alone(timeline).await? else { return Ok(None) };
        self.note_extents(timeline, record.state.head.lsn, record.extents).await?;
        Ok(Some(record))
    }

    /// The same without a look at the extents of the timeline.
    pub(super) async fn timeline_alone(
        &self,
        timeline: TimelineId,
    ) -> Result<Option<TimelineRecord>> {
        let timelines = self.server.collection(schema::TIMELINES);
        let find = timelines
            .find_one(doc! { "_id": id(timeline) })
            .read_concern(ReadConcern::linearizable())
            .max_time(READ_TIME);
        let row = self.server.read("read the end of a timeline", find).await?;
        row.map(|row| TimelineRecord::decode(&row)).transpose()
    }

    /// The position up to which the commits of a view were collected.
    pub(super) async fn floor_of(&self, view: &View) -> Result<Lsn> {
        for segment in view.segments() {
            let record = self.timeline_alone(segment.timeline).await?;
            let floor = record.map_or(Lsn::ZERO, |record| record.state.floor);
            if floor > segment.above {
                return Ok(floor.min(segment.upto));
            }
        }
        Ok(Lsn::ZERO)
    }

    pub(super) async fn timeline_ids(&self) -> Result<Vec<TimelineId>> {
        let timelines = self.server.collection(schema::TIMELINES);
        let query = timelines.find(doc! {}).projection(doc! { "_id": 1 }).max_time(READ_TIME);
        let mut rows = self.server.rows("list the timelines", query).await?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next().await? {
            ids.push(super::record::id_field(row, "timeline", "_id")?);
        }
        Ok(ids)
    }

    /// Why a compare-and-set was refused; `None` if the timeline is as it was expected. `first` says
    /// that its first commit is to be written: else one that is not there was dropped.
    pub(super) async fn refusal(
        &self,
        timeline: TimelineId,
        expected: &Head,
        first: bool,
    ) -> Result<Option<Append>> {
        let found = self.timeline(timeline).await?;
        Ok(match found.map(|record| record.state) {
            Some(TimelineState { sealed: true, head, .. }) => Some(Append::Sealed(head)),
            Some(TimelineState { head, .. }) if head != *expected => Some(Append::HeadMoved(head)),
            None if !first => Some(Append::Sealed(*expected)),
            _ => None,
        })
    }

    /// Whether the commit that ends in `head` is in the log, which may have gone on since.
    ///
    /// # Errors
    /// Besides those of the server, `Unavailable` if the commit at that position is pruned already.
    pub(super) async fn has_commit(
        self: &Arc<Self>,
        timeline: TimelineId,
        head: &Head,
        now: &Head,
    ) -> Result<bool> {
        if now.lsn <= head.lsn {
            return Ok(now == head);
        }
        match self.digest_of(timeline, head.lsn).await? {
            Some(digest) => Ok(digest == head.digest),
            None => Err(Error::unavailable(format!(
                "commit {} of timeline {timeline} is gone from the log",
                head.lsn
            ))),
        }
    }

    /// Ends a timeline after `expected`.
    pub(super) async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        const WHAT: &str = "seal a timeline";
        const ATTEMPTS: usize = 3;
        self.raise_format().await?;
        let timelines = self.server.collection(schema::TIMELINES);
        for _ in 0..ATTEMPTS {
            let update = timelines
                .update_one(unsealed(timeline.id, expected), doc! { "$set": { "sealed": true } });
            let doubt = match self.server.write(WHAT, update).await {
                Ok(done) if done.matched_count == 1 => return Ok(Append::Done),
                Ok(_) | Err(Failure::Duplicate) => None,
                Err(Failure::Doubtful(error)) => Some(error),
                Err(Failure::Definite(error)) => return Err(error),
            };
            let found = match self.timeline(timeline.id).await {
                Ok(found) => found,
                Err(error) => return Err(doubt.unwrap_or(error)),
            };
            match (found.map(|record| record.state), doubt) {
                (Some(TimelineState { sealed: true, head, .. }), _) if head == *expected => {
                    return Ok(Append::Done);
                }
                (Some(TimelineState { sealed: true, head, .. }), _) => {
                    return Ok(Append::Sealed(head));
                }
                (Some(TimelineState { head, .. }), _) if head != *expected => {
                    return Ok(Append::HeadMoved(head));
                }
                // It may still be on its way.
                (Some(_), Some(doubt)) => return Err(doubt),
                (Some(_), None) => {}
                (None, _) => {
                    let (timeline, floor) = (*timeline, timeline.base_lsn());
                    let state = TimelineState { timeline, head: *expected, sealed: true, floor };
                    let row = TimelineRecord { state, extents: 0 }.encode();
                    match self.server.write(WHAT, timelines.insert_one(row)).await {
                        Ok(_) => return Ok(Append::Done),
                        Err(Failure::Duplicate) => {}
                        Err(Failure::Doubtful(error)) => match self.timeline(timeline.id).await {
                            Ok(Some(found)) if found.state == state => return Ok(Append::Done),
                            _ => return Err(error),
                        },
                        Err(Failure::Definite(error)) => return Err(error),
                    }
                }
            }
        }
        Err(Error::unavailable("the timeline is changed by others all the time; try again later"))
    }
}

/// What raises the floor of a timeline; a higher one stays.
pub(super) fn raised(floor: Lsn) -> Document {
    doc! { "$max": { "floor": lsn(floor) }, "$min": { "below": -lsn(floor) } }
}

/// The record of a timeline if it is open and ends in `head`.
pub(super) fn unsealed(timeline: TimelineId, head: &Head) -> Document {
    doc! {
        "_id": id(timeline),
        "lsn": lsn(head.lsn),
        "digest": Bson::Binary(binary(head.digest.as_bytes())),
        "sealed": false,
    }
}
