//! The document with the builds of a timeline.

use std::collections::HashMap;
use std::sync::Arc;

use argon_core::model::{CollectionId, TimelineId};
use argon_core::storage::{BuildId, BuildStatus, IndexBuild};
use argon_core::{Error, Result};
use bson::{Bson, DateTime, Document, RawDocument, RawDocumentBuf, doc};

use super::checksum::{self, Sum};
use super::failure::corrupt;
use super::record::{
    binary, bytes_field, field, id, id_field, int_field, lsn, lsn_field, missing, optional,
    time_field,
};
use super::schema;

pub(super) const BUILDS: &str = "list of indexes";
const BUILD: &str = "build of an index";

/// The builds of a timeline.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct BuildList {
    /// The number of changes of the list; 0 if there was none, and no document is stored.
    pub(super) revision: i64,
    pub(super) builds: Arc<[IndexBuild]>,
    /// The times at which those that are not complete were begun.
    pub(super) begun: Arc<HashMap<BuildId, DateTime>>,
}

impl BuildList {
    /// The list after a change.
    pub(super) fn changed(&self, builds: Arc<[IndexBuild]>) -> Self {
        Self { revision: self.revision + 1, builds, begun: self.begun.clone() }
    }

    pub(super) fn find(&self, build: BuildId) -> Option<&IndexBuild> {
        self.builds.iter().find(|known| known.id == build)
    }
}

/// Encodes the builds of a timeline.
pub(super) fn encode(timeline: TimelineId, list: &BuildList) -> Result<RawDocumentBuf> {
    let mut sum = start(timeline, list.revision);
    let mut builds = Vec::with_capacity(list.builds.len());
    for build in list.builds.iter() {
        let definition = bson::serialize_to_vec(&*build.definition).map_err(|source| {
            Error::invalid("the definition of the index is not valid BSON").with_source(source)
        })?;
        let begun = list.begun.get(&build.id).copied();
        sum = add(sum, build, begun, &definition);
        let mut row = doc! {
            "b": i64::from(build.id.0),
            "c": build.collection.get().cast_signed(),
            "d": Bson::Binary(binary(&definition)),
            "inherited": build.inherited,
            "multikey": build.multikey,
        };
        let (from, until) = match build.status {
            BuildStatus::Building => (None, None),
            BuildStatus::Maintained { from } => (Some(from), None),
            BuildStatus::Closed { from, until } => (Some(from), Some(until)),
        };
        row.extend(from.map(|from| ("from".to_owned(), Bson::Int64(lsn(from)))));
        row.extend(until.map(|until| ("until".to_owned(), Bson::Int64(lsn(until)))));
        row.extend(begun.map(|begun| ("begun".to_owned(), Bson::DateTime(begun))));
        builds.push(row);
    }
    let row: Document = doc! {
        "_id": id(timeline),
        "revision": list.revision,
        "builds": builds,
        "crc": sum.value(),
    };
    let too_large =
        |source| Error::internal("a list of indexes can't be stored").with_source(source);
    RawDocumentBuf::try_from(&row).map_err(too_large)
}

/// Decodes the result of [`encode`].
pub(super) fn decode(row: &RawDocument) -> Result<BuildList> {
    let timeline = id_field(row, BUILDS, "_id")?;
    let revision = int_field(row, BUILDS, "revision")?;
    let mut sum = start(timeline, revision);
    let stored = field(row, BUILDS, "builds")?.as_array();
    let stored = stored.ok_or_else(|| missing(BUILDS, "builds"))?;
    let (mut builds, mut begun) = (Vec::new(), HashMap::new());
    for stored in stored {
        let stored = stored.map_err(|source| corrupt(BUILDS, "is malformed", source))?;
        let stored = stored.as_document().ok_or_else(|| missing(BUILDS, "builds"))?;
        let (build, time, definition) = decode_build(stored)?;
        sum = add(sum, &build, time, definition);
        begun.extend(time.map(|time| (build.id, time)));
        builds.push(build);
    }
    let name = || format!("the list of indexes of timeline {timeline}");
    let crc = checksum::stored(row, BUILDS)?.ok_or_else(|| missing(BUILDS, checksum::FIELD))?;
    checksum::check(Some(crc), sum, name)?;
    Ok(BuildList { revision, builds: builds.into(), begun: Arc::new(begun) })
}

fn decode_build(row: &RawDocument) -> Result<(IndexBuild, Option<DateTime>, &[u8])> {
    let number = u32::try_from(int_field(row, BUILD, "b")?).map_err(|_| missing(BUILD, "b"))?;
    let bytes = bytes_field(row, BUILD, "d")?;
    let definition: Document = bson::deserialize_from_slice(bytes)
        .map_err(|source| corrupt(BUILD, "has a malformed definition", source))?;
    let has = |name| optional(row, BUILD, name).map(|found| found.is_some());
    let status = match (has("from")?, has("until")?) {
        (false, _) => BuildStatus::Building,
        (true, false) => BuildStatus::Maintained { from: lsn_field(row, BUILD, "from")? },
        (true, true) => BuildStatus::Closed {
            from: lsn_field(row, BUILD, "from")?,
            until: lsn_field(row, BUILD, "until")?,
        },
    };
    let flag = |name| field(row, BUILD, name)?.as_bool().ok_or_else(|| missing(BUILD, name));
    let begun = has("begun")?.then(|| time_field(row, BUILD, "begun")).transpose()?;
    let build = IndexBuild {
        id: BuildId(number),
        collection: CollectionId::new(int_field(row, BUILD, "c")?.cast_unsigned()),
        definition: Arc::new(definition),
        status,
        inherited: flag("inherited")?,
        multikey: flag("multikey")?,
    };
    Ok((build, begun, bytes))
}

fn start(timeline: TimelineId, revision: i64) -> Sum {
    Sum::of(schema::BUILDS).id(timeline).number(revision)
}

fn add(sum: Sum, build: &IndexBuild, begun: Option<DateTime>, definition: &[u8]) -> Sum {
    let sum = sum.number(i64::from(build.id.0)).number(build.collection.get().cast_signed());
    let sum = sum.bytes(definition);
    let sum = match build.status {
        BuildStatus::Building => sum.number(0),
        BuildStatus::Maintained { from } => sum.number(1).number(lsn(from)),
        BuildStatus::Closed { from, until } => sum.number(2).number(lsn(from)).number(lsn(until)),
    };
    let sum = sum.number(i64::from(build.inherited)).number(i64::from(build.multikey));
    sum.number(begun.map_or(0, DateTime::timestamp_millis))
}

#[cfg(test)]
mod tests {
    use argon_core::model::Lsn;

    use super::*;

    #[test]
    fn builds_come_back_and_damaged_ones_are_refused() {
        let (from, until) = (Lsn::new(300), Lsn::new(70_000));
        let statuses = [
            BuildStatus::Building,
            BuildStatus::Maintained { from },
            BuildStatus::Closed { from, until },
        ];
        let builds: Vec<IndexBuild> = statuses
            .into_iter()
            .zip(1..)
            .map(|(status, number)| IndexBuild {
                id: BuildId(number),
                collection: CollectionId::new(u64::MAX - 3),
                definition: Arc::new(
                    doc! { "key": { "$**": 1 }, "partialFilterExpression": { "a.b": 1 } },
                ),
                status,
                inherited: number == 2,
                multikey: number == 3,
            })
            .collect();
        let begun = HashMap::from([(BuildId(1), DateTime::from_millis(1_700_000_000_123))]);
        let list = BuildList { revision: 5, builds: builds.into(), begun: Arc::new(begun) };
        let timeline = TimelineId::from_bytes([3; 16]);
        let row = encode(timeline, &list).unwrap();
        assert_eq!(decode(&row).unwrap(), list);
        assert_eq!(row.get_i32("crc").unwrap(), GOLDEN, "golden");
        let document: Document = Document::try_from(&*row).unwrap();
        for (name, value) in [
            ("_id", Bson::Binary(id(TimelineId::from_bytes([4; 16])))),
            ("revision", Bson::Int64(6)),
            ("builds", Bson::Array(Vec::new())),
            ("builds", Bson::Null),
            ("crc", Bson::Null),
        ] {
            let mut changed = document.clone();
            changed.insert(name, value.clone());
            let changed = RawDocumentBuf::try_from(&changed).unwrap();
            assert!(decode(&changed).is_err(), "{name}: {value}");
        }
        let stored = document.get_array("builds").unwrap();
        for name in ["b", "c", "d", "inherited", "multikey", "from", "until", "begun"] {
            let mut changed = stored.clone();
            for build in &mut changed {
                if let Some(build) = build.as_document_mut() {
                    build.remove(name);
                }
            }
            let mut document = document.clone();
            document.insert("builds", changed);
            assert!(decode(&RawDocumentBuf::try_from(&document).unwrap()).is_err(), "{name}");
        }
    }

    const GOLDEN: i32 = -1_580_309_386;
}
