//! The builds of indexes on each timeline, and their numbers.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::codec::{Reader, put_varint};
use argon_core::model::{CollectionId, Timeline};
use argon_core::storage::{BuildId, BuildStatus, IndexBuild, inherited};
use argon_core::{Error, Result};
use bson::Document;

use crate::ordered::engine::{Batch, Direction, Engine};
use crate::ordered::keys::{self, Short};
use crate::ordered::rows::Rows;
use crate::ordered::timelines::TimelineTable;
use crate::ordered::value;

const BUILDING: u8 = 0;
const MAINTAINED: u8 = 1;
const CLOSED: u8 = 2;
const STATUS: u8 = 3;
const INHERITED: u8 = 4;
const MULTIKEY: u8 = 8;

/// Gives numbers to builds, and reads those of a timeline.
pub(super) struct BuildTable {
    rows: Arc<Rows>,
    pub(super) timelines: Arc<TimelineTable>,
    /// Held while a number is assigned, so that it is on disk before its first use.
    assigning: Mutex<()>,
}

impl BuildTable {
    pub(super) fn new(rows: Arc<Rows>, timelines: Arc<TimelineTable>) -> Self {
        Self { rows, timelines, assigning: Mutex::default() }
    }

    /// The first of `count` numbers that no build ever had; that is durable.
    pub(super) fn reserve(&self, count: u32) -> Result<BuildId> {
        let _assigning = self.assigning.lock().unwrap_or_else(PoisonError::into_inner);
        let key = keys::last_build();
        let last = match value::get(self.rows.engine(), &key)? {
            None => 0,
            Some(bytes) => number(&bytes)?,
        };
        let next: u32 = last.checked_add(count).ok_or_else(|| {
            Error::unsupported("the store has the most builds of indexes that it can number")
        })?;
        let mut batch = Batch::new();
        value::put(&mut batch, key, &[&next.to_le_bytes()])?;
        self.rows.apply(batch)?;
        Ok(BuildId(last + 1))
    }

    /// The builds that the first append to a timeline continues.
    pub(super) fn inherited_by(&self, timeline: &Timeline) -> Result<Arc<[IndexBuild]>> {
        let Some(base) = timeline.base else { return Ok(Arc::from([])) };
        Ok(inherited(&self.timelines.slot(base.timeline)?.builds(), base.lsn).into())
    }
}

fn number(bytes: &[u8]) -> Result<u32> {
    let malformed = |_| Error::corrupt("the number of the last build of an index is malformed");
    bytes.try_into().map(u32::from_le_bytes).map_err(malformed)
}

/// Adds the record of a build on a timeline to a batch.
pub(super) fn put_build(batch: &mut Batch, timeline: Short, build: &IndexBuild) -> Result<()> {
    value::put(batch, keys::build(timeline, build.id), &[&encode(build)?])
}

/// Reads the builds of a timeline, by number.
pub(super) fn load_builds(engine: &dyn Engine, timeline: Short) -> Result<Arc<[IndexBuild]>> {
    let prefix = keys::builds(timeline);
    let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let end = keys::after_prefix(&prefix);
    engine.visit(&prefix, &end, Direction::Ascending, &mut |key, stored| {
        rows.push((key.to_vec(), stored.to_vec()));
        ControlFlow::Continue(())
    })?;
    let read = rows.iter().map(|(key, stored)| {
        let id = keys::take_short(&key[prefix.len()..]).map(|(id, _)| BuildId(id));
        let id = id.ok_or_else(|| Error::corrupt("the key of an index's build is malformed"))?;
        decode(id, &value::payload(engine, key, stored)?)
    });
    read.collect()
}

/// Flags, collection, then the first state unless it is being built, then the last one if it is
/// closed, then the definition.
fn encode(build: &IndexBuild) -> Result<Vec<u8>> {
    let (status, states) = match build.status {
        BuildStatus::Building => (BUILDING, vec![]),
        BuildStatus::Maintained { from } => (MAINTAINED, vec![from]),
        BuildStatus::Closed { from, until } => (CLOSED, vec![from, until]),
    };
    let inherited = if build.inherited { INHERITED } else { 0 };
    let multikey = if build.multikey { MULTIKEY } else { 0 };
    let mut out = vec![status | inherited | multikey];
    out.extend_from_slice(&build.collection.get().to_le_bytes());
    for state in states {
        put_varint(&mut out, state.get());
    }
    let definition = bson::serialize_to_vec(&*build.definition).map_err(|source| {
        Error::invalid("the definition of the index is not valid BSON").with_source(source)
    })?;
    out.extend_from_slice(&definition);
    Ok(out)
}

pub(super) fn decode(id: BuildId, bytes: &[u8]) -> Result<IndexBuild> {
    let mut reader = Reader::new("build of an index", bytes);
    let flags = reader.byte()?;
    if flags >= MULTIKEY << 1 {
        return Err(reader.corrupt("has unknown flags"));
    }
    let collection = CollectionId::new(u64::from_le_bytes(reader.array()?));
    let status = match flags & STATUS {
        BUILDING => BuildStatus::Building,
        MAINTAINED => BuildStatus::Maintained { from: reader.lsn()? },
        CLOSED => BuildStatus::Closed { from: reader.lsn()?, until: reader.lsn()? },
        _ => return Err(reader.corrupt("has an unknown status")),
    };
    let definition: Document = bson::deserialize_from_slice(reader.rest())
        .map_err(|source| reader.corrupt("has a malformed definition").with_source(source))?;
    let (inherited, multikey) = (flags & INHERITED != 0, flags & MULTIKEY != 0);
    Ok(IndexBuild { id, collection, definition: Arc::new(definition), status, inherited, multikey })
}

#[cfg(test)]
mod tests {
    use argon_core::ErrorKind;
    use argon_core::codec::for_each_damage;
    use argon_core::model::Lsn;
    use bson::doc;

    use super::*;

    #[test]
    fn a_build_decodes_to_itself_and_a_damaged_one_is_read_or_refused() {
        let (from, until) = (Lsn::new(300), Lsn::new(70_000));
        for status in [
            BuildStatus::Building,
            BuildStatus::Maintained { from },
            BuildStatus::Closed { from, until },
        ] {
            for (inherited, multikey) in [(false, true), (true, false)] {
                let build = IndexBuild {
                    id: BuildId(7),
                    collection: CollectionId::new(9),
                    definition: Arc::new(doc! { "key": { "a": 1, "b": -1 }, "sparse": true }),
                    status,
                    inherited,
                    multikey,
                };
                let bytes = encode(&build).unwrap();
                assert_eq!(decode(build.id, &bytes).unwrap(), build);
                for_each_damage(&bytes, |damaged| {
                    let found = decode(build.id, damaged);
                    assert!(
                        found.is_ok_and(|_| true) || {
                            decode(build.id, damaged).unwrap_err().kind() == ErrorKind::Corrupt
                        }
                    );
                });
            }
        }
    }
}
