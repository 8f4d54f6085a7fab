//! The fields of stored documents.

use argon_core::Result;
use argon_core::model::{Digest, Head, Lsn, Point, Timeline, TimelineId};
use argon_core::storage::TimelineState;
use bson::raw::RawBsonRef;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, RawDocument, RawDocumentBuf, rawdoc};

use super::checksum::{self, Sum};
use super::failure::corrupt;

/// Bytes as a value.
pub(super) fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

/// The name of a timeline or an extent as a value.
pub(super) fn id(timeline: TimelineId) -> Binary {
    binary(timeline.as_bytes())
}

/// A position as a value. Positions have at most 48 bits; a larger one counts as the last.
pub(super) fn lsn(lsn: Lsn) -> i64 {
    lsn.min(Lsn::MAX).get().cast_signed()
}

/// A required field of a stored document.
pub(super) fn field<'a>(row: &'a RawDocument, what: &str, name: &str) -> Result<RawBsonRef<'a>> {
    match row.get(name) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(missing(what, name)),
        Err(source) => Err(corrupt(what, "is malformed", source)),
    }
}

/// A field that may be missing or null.
pub(super) fn optional<'a>(
    row: &'a RawDocument,
    what: &str,
    name: &str,
) -> Result<Option<RawBsonRef<'a>>> {
    match row.get(name) {
        Ok(None | Some(RawBsonRef::Null | RawBsonRef::Undefined)) => Ok(None),
        Ok(value) => Ok(value),
        Err(source) => Err(corrupt(what, "is malformed", source)),
    }
}

pub(super) fn missing(what: &str, name: &str) -> argon_core::Error {
    corrupt(what, "is malformed", format!("its field '{name}' is missing or of another type"))
}

pub(super) fn bytes_field<'a>(row: &'a RawDocument, what: &str, name: &str) -> Result<&'a [u8]> {
    match field(row, what, name)? {
        RawBsonRef::Binary(binary) => Ok(binary.bytes),
        _ => Err(missing(what, name)),
    }
}

pub(super) fn text_field<'a>(row: &'a RawDocument, what: &str, name: &str) -> Result<&'a str> {
    field(row, what, name)?.as_str().ok_or_else(|| missing(what, name))
}

pub(super) fn int_field(row: &RawDocument, what: &str, name: &str) -> Result<i64> {
    int(field(row, what, name)?).ok_or_else(|| missing(what, name))
}

/// An integer of any width: a server may narrow the numbers that it computes.
pub(super) fn int(value: RawBsonRef<'_>) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

pub(super) fn lsn_field(row: &RawDocument, what: &str, name: &str) -> Result<Lsn> {
    let number = int_field(row, what, name)?;
    let lsn = u64::try_from(number).ok().map(Lsn::new).filter(|lsn| *lsn <= Lsn::MAX);
    lsn.ok_or_else(|| missing(what, name))
}

pub(super) fn id_field(row: &RawDocument, what: &str, name: &str) -> Result<TimelineId> {
    let bytes = bytes_field(row, what, name)?;
    bytes.try_into().map(TimelineId::from_bytes).map_err(|_| missing(what, name))
}

const TIMELINE: &str = "timeline";

/// The record of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimelineRecord {
    pub(super) state: TimelineState,
    /// The count of its extents.
    pub(super) extents: i64,
    /// The revision of its builds of indexes; 0 if it has had none.
    pub(super) builds: i64,
}

impl TimelineRecord {
    pub(super) fn encode(&self) -> RawDocumentBuf {
        let TimelineState { timeline, head, sealed, floor } = self.state;
        let mut row = rawdoc! {
            "_id": id(timeline.id),
            "lsn": lsn(head.lsn),
            "digest": binary(head.digest.as_bytes()),
            "time": head.time,
            "sealed": sealed,
            "pieces": self.extents,
            "crc": head_sum(&timeline, &head).value(),
        };
        if let Some(base) = timeline.base {
            let base = rawdoc! { "timeline": id(base.timeline), "lsn": lsn(base.lsn) };
            row.append(bson::cstr!("base"), base);
        }
        if floor > timeline.base_lsn() {
            row.append(bson::cstr!("floor"), lsn(floor));
            row.append(bson::cstr!("below"), -lsn(floor));
        }
        if self.builds > 0 {
            row.append(bson::cstr!("builds"), self.builds);
        }
        row
    }

    pub(super) fn decode(row: &RawDocument) -> Result<Self> {
        let base = match optional(row, TIMELINE, "base")? {
            None => None,
            Some(base) => {
                let base = base.as_document().ok_or_else(|| missing(TIMELINE, "base"))?;
                let timeline = id_field(base, TIMELINE, "timeline")?;
                Some(Point { timeline, lsn: lsn_field(base, TIMELINE, "lsn")? })
            }
        };
        let digest = bytes_field(row, TIMELINE, "digest")?;
        let digest = digest.try_into().map_err(|_| missing(TIMELINE, "digest"))?;
        let head = Head {
            lsn: lsn_field(row, TIMELINE, "lsn")?,
            digest: Digest::from_bytes(digest),
            time: time_field(row, TIMELINE, "time")?,
        };
        let sealed = field(row, TIMELINE, "sealed")?.as_bool();
        let timeline = Timeline { id: id_field(row, TIMELINE, "_id")?, base };
        let name = || format!("the end of timeline {}", timeline.id);
        checksum::check(checksum::stored(row, TIMELINE)?, head_sum(&timeline, &head), name)?;
        let floor = floor(row)?;
        let extents = int_field(row, TIMELINE, "pieces")?;
        let builds = match optional(row, TIMELINE, "builds")? {
            Some(builds) => int(builds).ok_or_else(|| missing(TIMELINE, "builds"))?,
            None => 0,
        };
        if head.lsn < timeline.base_lsn() || floor > head.lsn || extents < 0 || builds < 0 {
            return Err(corrupt(TIMELINE, "is malformed", "it ends before it begins"));
        }
        let state = TimelineState {
            timeline,
            head,
            sealed: sealed.ok_or_else(|| missing(TIMELINE, "sealed"))?,
            floor: floor.max(timeline.base_lsn()),
        };
        Ok(Self { state, extents, builds })
    }
}

/// The position up to which commits are pruned. Its negative is stored beside it as a check, because
/// both are raised without reading the fields that a checksum would cover.
fn floor(row: &RawDocument) -> Result<Lsn> {
    let below = optional(row, TIMELINE, "below")?;
    if below.is_none() && optional(row, TIMELINE, "floor")?.is_none() {
        return Ok(Lsn::ZERO);
    }
    let floor = lsn_field(row, TIMELINE, "floor")?;
    match below {
        Some(below) if int(below) != Some(-lsn(floor)) => Err(missing(TIMELINE, "floor")),
        _ => Ok(floor),
    }
}

/// The checksum of a timeline's record: over the fields that an append sets, and the constant ones.
fn head_sum(timeline: &Timeline, head: &Head) -> Sum {
    let sum = Sum::of(super::schema::TIMELINES).id(timeline.id);
    let sum = match timeline.base {
        Some(base) => sum.number(1).id(base.timeline).number(lsn(base.lsn)),
        None => sum.number(0),
    };
    let sum = sum.number(lsn(head.lsn)).end(head.digest.as_bytes());
    sum.number(head.time.timestamp_millis())
}

pub(super) fn time_field(row: &RawDocument, what: &str, name: &str) -> Result<DateTime> {
    field(row, what, name)?.as_datetime().ok_or_else(|| missing(what, name))
}

/// The fields of a record for a head.
pub(super) fn head_fields(timeline: &Timeline, head: &Head) -> bson::Document {
    bson::doc! {
        "lsn": lsn(head.lsn),
        "digest": Bson::Binary(binary(head.digest.as_bytes())),
        "time": head.time,
        "crc": head_sum(timeline, head).value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_comes_back_and_a_damaged_one_is_refused() {
        let base = Some(Point { timeline: TimelineId::from_bytes([2; 16]), lsn: Lsn::new(4) });
        for (base, floor) in [(None, 0), (None, 9), (base, 4), (base, 5)] {
            let timeline = Timeline { id: TimelineId::from_bytes([1; 16]), base };
            let record = TimelineRecord {
                state: TimelineState {
                    timeline,
                    floor: Lsn::new(floor),
                    head: Head {
                        lsn: Lsn::MAX,
                        digest: Digest::of(b"x"),
                        time: DateTime::from_millis(1_700_000_000_123),
                    },
                    sealed: true,
                },
                extents: 3,
                builds: i64::from(floor > 4),
            };
            let row = record.encode();
            assert_eq!(TimelineRecord::decode(&row).unwrap(), record);
            let with = |name: &str, value: Bson| {
                let mut changed: bson::Document = (&*row).try_into().unwrap();
                changed.insert(name, value);
                TimelineRecord::decode(&RawDocumentBuf::try_from(&changed).unwrap())
            };
            for name in ["_id", "lsn", "digest", "time", "sealed", "pieces", "floor", "crc"] {
                assert!(with(name, "no".into()).is_err(), "{name}");
            }
            for (name, value) in [
                ("lsn", Bson::Int64(7)),
                ("lsn", Bson::Int64(1 << 62)),
                ("lsn", Bson::Int64(-1)),
                ("time", Bson::DateTime(DateTime::from_millis(5))),
                ("digest", Bson::Binary(binary(Digest::of(b"y").as_bytes()))),
                ("_id", Bson::Binary(id(TimelineId::from_bytes([9; 16])))),
                ("pieces", Bson::Int64(-1)),
                ("builds", Bson::Int64(-1)),
                ("builds", "no".into()),
                ("below", Bson::Int64(-6)),
                ("floor", Bson::Int64(i64::MAX)),
            ] {
                assert!(with(name, value.clone()).is_err(), "{name}: {value}");
            }
            assert!(floor <= base.map_or(0, |_| 4) || with("floor", Bson::Int64(6)).is_err());
            // Of format 1.
            let mut old: bson::Document = (&*row).try_into().unwrap();
            old.remove("crc");
            old.remove("below");
            let old = RawDocumentBuf::try_from(&old).unwrap();
            assert_eq!(TimelineRecord::decode(&old).unwrap(), record);
        }
    }
}
