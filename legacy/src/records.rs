//! Records of the legacy system in the refs of the queue's store, as BSON. Their names begin with
//! [`OURS`], and core never sees them.

use argon_core::model::{Digest, Head, Lsn, Point, Timeline, TimelineId};
use argon_core::storage::{RefVersion, VersionedRef, record_from_bytes, record_to_bytes};
use argon_core::{Error, Result};
use bson::DateTime;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The prefix of their names.
pub(crate) const OURS: &str = "legacy/";

pub(crate) const TIMELINES: &str = "legacy/timeline/";
pub(crate) const DELTAS: &str = "legacy/delta/";

/// A record and its version when it was read.
#[derive(Debug, Clone)]
pub(crate) struct VersionedRecord<R> {
    pub(crate) record: R,
    pub(crate) version: RefVersion,
}

pub(crate) fn encode<R: Serialize>(record: &R) -> Result<Vec<u8>> {
    record_to_bytes(record)
        .map_err(|source| Error::internal("a record can't be encoded").with_source(source))
}

pub(crate) fn decode<R: DeserializeOwned>(
    name: &str,
    stored: VersionedRef,
) -> Result<VersionedRecord<R>> {
    let record = record_from_bytes(&stored.value).map_err(|source| {
        Error::corrupt(format!("record {name} is malformed")).with_source(source)
    })?;
    Ok(VersionedRecord { record, version: stored.version })
}

/// A head as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadRecord {
    lsn: i64,
    digest: Digest,
    time: DateTime,
}

impl From<Head> for HeadRecord {
    fn from(head: Head) -> Self {
        Self { lsn: head.lsn.get().cast_signed(), digest: head.digest, time: head.time }
    }
}

impl From<HeadRecord> for Head {
    fn from(record: HeadRecord) -> Self {
        let lsn = Lsn::new(record.lsn.cast_unsigned());
        Self { lsn, digest: record.digest, time: record.time }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PointRecord {
    timeline: TimelineId,
    lsn: i64,
}

/// The record of a timeline: the batch that gathers its commits. A compare-and-set of the record
/// ends a batch and begins the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimelineRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<PointRecord>,
    /// The batch that takes commits; batches with lower numbers are sealed.
    pub(crate) batch: i64,
    /// The head on which this batch builds; of a sealed timeline, its last.
    before: HeadRecord,
    /// The folder of its deltas.
    pub(crate) folder: String,
    floor: i64,
    /// The last of the batches that were removed with the commits up to the floor.
    pub(crate) floor_batch: i64,
    #[serde(default)]
    pub(crate) sealed: bool,
    /// The time at which it was dropped. The record is kept for a day, so that a late writer finds
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dropped: Option<DateTime>,
}

impl TimelineRecord {
    pub(crate) fn new(timeline: &Timeline, before: &Head, folder: String) -> Self {
        let base = timeline
            .base
            .map(|base| PointRecord { timeline: base.timeline, lsn: base.lsn.get().cast_signed() });
        Self {
            base,
            batch: 0,
            before: (*before).into(),
            folder,
            floor: timeline.base_lsn().get().cast_signed(),
            floor_batch: -1,
            sealed: false,
            dropped: None,
        }
    }

    pub(crate) fn timeline(&self, id: TimelineId) -> Timeline {
        let point = |base: PointRecord| Point {
            timeline: base.timeline,
            lsn: Lsn::new(base.lsn.cast_unsigned()),
        };
        Timeline { id, base: self.base.map(point) }
    }

    pub(crate) fn before(&self) -> Head {
        self.before.into()
    }

    pub(crate) fn floor(&self) -> Lsn {
        Lsn::new(self.floor.cast_unsigned())
    }

    /// Returns the record after the next batch begins on `head`.
    pub(crate) fn rolled(&self, head: &Head) -> Self {
        Self { batch: self.batch + 1, before: (*head).into(), ..self.clone() }
    }

    /// Returns the record after the timeline was sealed at `head`.
    pub(crate) fn sealed_on(&self, head: &Head) -> Self {
        Self { sealed: true, ..self.rolled(head) }
    }

    /// Returns the record after the timeline was dropped.
    pub(crate) fn dropped_at(&self, time: DateTime) -> Self {
        Self { dropped: Some(time), ..self.clone() }
    }

    pub(crate) fn raised(&self, floor: Lsn, batch: i64) -> Self {
        let (floor, floor_batch) = (floor.get().cast_signed(), batch.max(self.floor_batch));
        Self { floor: floor.max(self.floor), floor_batch, ..self.clone() }
    }
}

/// Returns the name of a timeline's record.
pub(crate) fn timeline_ref(timeline: TimelineId) -> String {
    format!("{TIMELINES}{timeline}")
}

/// The record of a stored delta: its commits, their batches, and the name of its object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeltaRecord {
    first: i64,
    last: i64,
    pub(crate) first_batch: i64,
    pub(crate) last_batch: i64,
    pub(crate) object: String,
    pub(crate) operations: i64,
    pub(crate) raw_bytes: i64,
    pub(crate) stored_bytes: i64,
    pub(crate) checksum: Digest,
}

impl DeltaRecord {
    pub(crate) fn new(
        encoded: &crate::delta::Encoded,
        batches: (i64, i64),
        object: String,
    ) -> Self {
        let header = &encoded.header;
        Self {
            first: header.parent.lsn.next().get().cast_signed(),
            last: header.head.lsn.get().cast_signed(),
            first_batch: batches.0,
            last_batch: batches.1,
            object,
            operations: header.operations.cast_signed(),
            raw_bytes: header.raw_bytes.cast_signed(),
            stored_bytes: header.stored_bytes.cast_signed(),
            checksum: encoded.checksum,
        }
    }

    pub(crate) fn first(&self) -> Lsn {
        Lsn::new(self.first.cast_unsigned())
    }

    pub(crate) fn last(&self) -> Lsn {
        Lsn::new(self.last.cast_unsigned())
    }

    pub(crate) fn covers(&self, lsn: Lsn) -> bool {
        self.first() <= lsn && lsn <= self.last()
    }
}

/// Returns the prefix of the names of a timeline's deltas.
pub(crate) fn deltas_of(timeline: TimelineId) -> String {
    format!("{DELTAS}{timeline}/")
}

/// Returns the name of the record of the delta that begins with `first`.
pub(crate) fn delta_ref(timeline: TimelineId, first: Lsn) -> String {
    format!("{}{:020}", deltas_of(timeline), first.get())
}
