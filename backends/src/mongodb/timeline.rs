//! The records of timelines: one document each, which every append and seal updates.

use std::sync::Arc;

use argon_core::model::{Head, Lsn, Segment, Timeline, TimelineId, View};
use argon_core::storage::{Append, TimelineState};
use argon_core::{Error, Result};
use bson::{Bson, Document, doc};
use mongodb::options::ReadConcern;

use super::build_record::BuildList;
use super::builds::Builds;
use super::connection::{Connection, READ_TIME};
use super::extents::{Extent, Extents, RowSource, split};
use super::failure::Failure;
use super::format::StoreFormat;
use super::record::{TimelineRecord, binary, id, lsn, lsn_field};
use super::retry::{ATTEMPTS, until_known};
use super::schema;

/// The records of timelines, and the sources of the rows of their states.
pub(super) struct Timelines {
    pub(super) server: Arc<Connection>,
    pub(super) format: Arc<StoreFormat>,
    pub(super) extents: Extents,
}

impl Timelines {
    /// The record of a timeline.
    ///
    /// A linearizable read: a primary that was cut off and has not noticed would otherwise return an
    /// older head than another process has seen. All other reads are of rows below a head that was read
    /// this way, which every later primary has.
    pub(super) async fn record(&self, timeline: TimelineId) -> Result<Option<TimelineRecord>> {
        let Some(record) = self.record_alone(timeline).await? else { return Ok(None) };
        self.extents.note_record(timeline, record.state.head.lsn, record.extents).await?;
        Ok(Some(record))
    }

    /// The record of a timeline, without reading its extents.
    pub(super) async fn record_alone(
        &self,
        timeline: TimelineId,
    ) -> Result<Option<TimelineRecord>> {
        let timelines = self.server.collection(schema::TIMELINES);
        let find = timelines
            .find_one(doc! { "_id": id(timeline) })
            .read_concern(ReadConcern::linearizable())
            .max_time(READ_TIME);
        let row = self.server.read("read the record of a timeline", find).await?;
        row.map(|row| TimelineRecord::decode(&row)).transpose()
    }

    /// The position up to which the commits of a view are pruned.
    pub(super) async fn floor_of(&self, view: &View) -> Result<Lsn> {
        for segment in view.segments() {
            let record = self.record_alone(segment.timeline).await?;
            let floor = record.map_or(Lsn::ZERO, |record| record.state.floor);
            if floor > segment.above {
                return Ok(floor.min(segment.upto));
            }
        }
        Ok(Lsn::ZERO)
    }

    pub(super) async fn ids(&self) -> Result<Vec<TimelineId>> {
        let timelines = self.server.collection(schema::TIMELINES);
        let query = timelines.find(doc! {}).projection(doc! { "_id": 1 }).max_time(READ_TIME);
        let mut rows = self.server.rows("list the timelines", query).await?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next().await? {
            ids.push(super::record::id_field(row, "timeline", "_id")?);
        }
        Ok(ids)
    }

    /// The record of a timeline with its builds of indexes, both of one revision; `None` if the timeline
    /// does not exist.
    ///
    /// # Errors
    /// `Corrupt` if they stay different.
    pub(super) async fn with_builds(
        &self,
        builds: &Builds,
        timeline: TimelineId,
    ) -> Result<Option<(TimelineRecord, BuildList)>> {
        // Each difference but a lasting one is a change between the two reads.
        for _ in 0..ATTEMPTS {
            let Some(record) = self.record(timeline).await? else { return Ok(None) };
            if record.builds == 0 {
                builds.note(timeline, BuildList::default());
                return Ok(Some((record, BuildList::default())));
            }
            let list = builds.read(timeline).await?;
            if list.revision == record.builds {
                return Ok(Some((record, list)));
            }
        }
        Err(Error::corrupt(format!(
            "the list of indexes of timeline {timeline} is not the one that its record names"
        )))
    }

    /// The reason for which a compare-and-set was refused; `None` if the timeline is as expected. Unless
    /// its `first` commit is being written, a timeline without a record was dropped.
    pub(super) async fn refusal(
        &self,
        timeline: TimelineId,
        expected: &Head,
        first: bool,
    ) -> Result<Option<Append>> {
        Ok(refused(self.record(timeline).await?.as_ref(), expected, first))
    }

    /// The last position of a timeline, 0 if it does not exist. A local read, to follow one of rows.
    pub(super) async fn last_position(&self, timeline: TimelineId) -> Result<Lsn> {
        let timelines = self.server.collection(schema::TIMELINES);
        let find = timelines
            .find_one(doc! { "_id": id(timeline) })
            .projection(doc! { "_id": 0, "lsn": 1 })
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let row = self.server.read("read the record of a timeline", find).await?;
        row.map_or(Ok(Lsn::ZERO), |row| lsn_field(&row, "timeline", "lsn"))
    }

    /// The sources of a view, newest first: the first that has a document decides.
    pub(super) async fn sources(&self, view: &View) -> Result<Vec<RowSource>> {
        let mut sources = Vec::with_capacity(view.segments().len());
        for segment in view.segments() {
            let extents = match self.extents.known(segment.timeline, segment.upto) {
                Some(extents) => extents,
                None => self.ask_for_extents(segment).await?,
            };
            sources.extend(split(segment, &extents));
        }
        Ok(sources)
    }

    /// The extents of a timeline up to a position.
    pub(super) async fn extents_of(
        &self,
        timeline: TimelineId,
        upto: Lsn,
    ) -> Result<Arc<[Extent]>> {
        match self.extents.known(timeline, upto) {
            Some(extents) => Ok(extents),
            None => self.ask_for_extents(&Segment { timeline, above: Lsn::ZERO, upto }).await,
        }
    }

    async fn ask_for_extents(&self, segment: &Segment) -> Result<Arc<[Extent]>> {
        self.record(segment.timeline)
            .await?
            .ok_or_else(|| Error::corrupt(format!("timeline {} is missing", segment.timeline)))?;
        self.extents.known(segment.timeline, segment.upto).ok_or_else(|| {
            Error::corrupt(format!(
                "timeline {} ends before LSN {}",
                segment.timeline, segment.upto
            ))
        })
    }

    /// Applies a change to the record of a timeline that is harmless to repeat.
    pub(super) async fn change(&self, timeline: TimelineId, change: Document) -> Result<()> {
        self.format.raise().await?;
        let timelines = self.server.collection(schema::TIMELINES);
        until_known(&self.server, || {
            let update = timelines.update_one(doc! { "_id": id(timeline) }, change.clone());
            self.server.write("update the record of a timeline", update)
        })
        .await?;
        Ok(())
    }

    /// Ends a timeline after `expected`.
    pub(super) async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        const WHAT: &str = "seal a timeline";
        self.format.raise().await?;
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
            let found = match self.record(timeline.id).await {
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
                // It may still be applied.
                (Some(_), Some(doubt)) => return Err(doubt),
                (Some(_), None) => {}
                (None, _) => {
                    let (timeline, floor) = (*timeline, timeline.base_lsn());
                    let state = TimelineState { timeline, head: *expected, sealed: true, floor };
                    let row = TimelineRecord { state, extents: 0, builds: 0 }.encode();
                    match self.server.write(WHAT, timelines.insert_one(row)).await {
                        Ok(_) => return Ok(Append::Done),
                        Err(Failure::Duplicate) => {}
                        Err(Failure::Doubtful(error)) => match self.record(timeline.id).await {
                            Ok(Some(found)) if found.state == state => return Ok(Append::Done),
                            _ => return Err(error),
                        },
                        Err(Failure::Definite(error)) => return Err(error),
                    }
                }
            }
        }
        Err(Error::unavailable("other writers keep changing the timeline; try again later"))
    }
}

/// The reason for which a timeline with this record does not take an append after `expected`.
pub(super) fn refused(
    found: Option<&TimelineRecord>,
    expected: &Head,
    first: bool,
) -> Option<Append> {
    match found.map(|record| record.state) {
        Some(TimelineState { sealed: true, head, .. }) => Some(Append::Sealed(head)),
        Some(TimelineState { head, .. }) if head != *expected => Some(Append::HeadMoved(head)),
        None if !first => Some(Append::Sealed(*expected)),
        _ => None,
    }
}

/// An update that raises the floor of a timeline, unless it is higher.
pub(super) fn raised(floor: Lsn) -> Document {
    doc! { "$max": { "floor": lsn(floor) }, "$min": { "below": -lsn(floor) } }
}

/// The value that matches the revision of the builds in the record of a timeline, which has no field
/// before the first.
pub(super) fn revision(number: i64) -> Bson {
    if number == 0 { Bson::Null } else { Bson::Int64(number) }
}

/// Matches the record of a timeline that is not sealed and ends in `head`.
pub(super) fn unsealed(timeline: TimelineId, head: &Head) -> Document {
    doc! {
        "_id": id(timeline),
        "lsn": lsn(head.lsn),
        "digest": Bson::Binary(binary(head.digest.as_bytes())),
        "sealed": false,
    }
}
