//! Timelines: their short numbers, bases and heads.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use argon_core::model::{Head, Lsn, Segment, Timeline, TimelineId, View};
use argon_core::storage::{IndexBuild, TimelineState};
use argon_core::{Error, Result};

use crate::ordered::builds::load_builds;
use crate::ordered::cursor::SegmentRows;
use crate::ordered::engine::{Batch, Direction, Engine};
use crate::ordered::keys::{self, Short};
use crate::ordered::record::{self, TimelineRecord};
use crate::ordered::rows::Rows;
use crate::ordered::value;

/// The timelines of a store. Each is loaded at its first use.
pub(super) struct TimelineTable {
    rows: Arc<Rows>,
    slots: RwLock<HashMap<TimelineId, Arc<Slot>>>,
    next: AtomicU32,
}

/// One timeline, which may not exist yet.
#[derive(Default)]
pub(super) struct Slot {
    /// Held during an append or a seal.
    pub(super) writing: Mutex<()>,
    /// The entry that readers see; it changes after a write is durable.
    entry: RwLock<Option<Entry>>,
    /// The builds of indexes.
    builds: RwLock<Arc<[IndexBuild]>>,
}

/// The positions of a timeline's commits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The commits up to this one were removed.
    pub(super) floor: Lsn,
    pub(super) head: Lsn,
}

/// A timeline that exists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) short: Short,
    pub(super) state: TimelineState,
}

impl TimelineTable {
    pub(super) fn load(rows: Arc<Rows>) -> Result<Self> {
        let mut last = None;
        let (from, to) = ([keys::TIMELINE], [keys::TIMELINE + 1]);
        rows.engine().visit(&from, &to, Direction::Descending, &mut |key, _| {
            last = Some(keys::take_short(&key[1..]).map(|(short, _)| short));
            ControlFlow::Break(())
        })?;
        let next = match last {
            None => 0,
            Some(Some(short)) => short + 1,
            Some(None) => return Err(Error::corrupt("the store's table of timelines is damaged")),
        };
        Ok(Self { rows, slots: RwLock::default(), next: AtomicU32::new(next) })
    }

    /// The heads of the timelines that were loaded since the store was opened.
    pub(super) fn heads(&self) -> Vec<(TimelineId, Head)> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.iter().filter_map(|(id, slot)| Some((*id, slot.get()?.state.head))).collect()
    }

    /// The slot of a timeline.
    pub(super) fn slot(&self, id: TimelineId) -> Result<Arc<Slot>> {
        if let Some(slot) = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(slot.clone());
        }
        let entry = load_entry(self.rows.engine(), id)?;
        if let Some(witness) = self.rows.witness() {
            witness.check(id, entry.as_ref().map(|entry| &entry.state.head))?;
        }
        let builds = match &entry {
            Some(entry) => load_builds(self.rows.engine(), entry.short)?,
            None => Arc::default(),
        };
        let (entry, builds) = (RwLock::new(entry), RwLock::new(builds));
        let slot = Arc::new(Slot { entry, builds, ..Slot::default() });
        // Another thread may have loaded it meanwhile; all must share one slot.
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        Ok(slots.entry(id).or_insert(slot).clone())
    }

    /// Waits for the appends and seals that are in progress now.
    pub(super) fn wait_for_writes(&self) {
        let slots: Vec<Arc<Slot>> =
            self.slots.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for slot in slots {
            drop(slot.writing.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// A timeline that exists, or `None`.
    pub(super) fn entry(&self, id: TimelineId) -> Result<Option<Entry>> {
        Ok(self.slot(id)?.get())
    }

    /// All timelines that exist.
    pub(super) fn ids(&self) -> Result<Vec<TimelineId>> {
        let mut ids = Vec::new();
        let (from, to) = ([keys::NUMBER, b't'], [keys::NUMBER, b'u']);
        self.rows.engine().visit(&from, &to, Direction::Ascending, &mut |key, _| {
            ids.extend(key[2..].try_into().map(TimelineId::from_bytes).ok());
            ControlFlow::Continue(())
        })?;
        Ok(ids)
    }

    /// The first and last commit of each timeline, except of those that can't be read.
    pub(super) fn extents(&self) -> HashMap<Short, Extent> {
        let ids = self.ids().unwrap_or_default();
        let entries = ids.into_iter().filter_map(|id| self.entry(id).ok().flatten());
        let extent = |state: &TimelineState| Extent { floor: state.floor, head: state.head.lsn };
        entries.map(|entry| (entry.short, extent(&entry.state))).collect()
    }

    /// The segments of a view in the store's numbers, leaf first.
    pub(super) fn segments(&self, view: &View) -> Result<Vec<SegmentRows>> {
        view.segments().iter().map(|segment| self.segment(segment)).collect()
    }

    /// A segment in the store's numbers.
    pub(super) fn segment(&self, segment: &Segment) -> Result<SegmentRows> {
        let entry = self
            .entry(segment.timeline)?
            .ok_or_else(|| Error::corrupt(format!("timeline {} is missing", segment.timeline)))?;
        Ok(SegmentRows { timeline: entry.short, above: segment.above, upto: segment.upto })
    }

    /// A number that no timeline has.
    pub(super) fn new_short(&self) -> Short {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

impl Slot {
    pub(super) fn get(&self) -> Option<Entry> {
        *self.entry.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets readers see a durable entry.
    pub(super) fn publish(&self, entry: Entry) {
        *self.entry.write().unwrap_or_else(PoisonError::into_inner) = Some(entry);
    }

    /// The builds of indexes; none of a timeline that does not exist.
    pub(super) fn builds(&self) -> Arc<[IndexBuild]> {
        self.builds.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets readers see durable builds.
    pub(super) fn publish_builds(&self, builds: Arc<[IndexBuild]>) {
        *self.builds.write().unwrap_or_else(PoisonError::into_inner) = builds;
    }

    /// Lets readers see that the timeline does not exist any more.
    pub(super) fn withdraw(&self) {
        self.publish_builds(Arc::default());
        *self.entry.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Adds a timeline's record to a batch, and its number if it is new.
pub(super) fn put_timeline(batch: &mut Batch, entry: &Entry, base: &Head, new: bool) -> Result<()> {
    let TimelineState { timeline, sealed, floor, .. } = entry.state;
    if new {
        let short = entry.short.to_le_bytes();
        value::put(batch, keys::timeline_number(timeline.id), &[&short])?;
    }
    let record = TimelineRecord { timeline, sealed, base_head: *base, floor }.encode();
    value::put(batch, keys::timeline(entry.short), &[&record])
}

/// The record of a timeline.
pub(super) fn read_record(engine: &dyn Engine, short: Short) -> Result<TimelineRecord> {
    let bytes = value::get(engine, &keys::timeline(short))?
        .ok_or_else(|| Error::corrupt("a timeline's record is missing"))?;
    TimelineRecord::decode(&bytes)
}

fn load_entry(engine: &dyn Engine, id: TimelineId) -> Result<Option<Entry>> {
    let Some(short) = value::get(engine, &keys::timeline_number(id))? else { return Ok(None) };
    let short = short
        .try_into()
        .map(Short::from_le_bytes)
        .map_err(|_| Error::corrupt("a timeline's number is malformed"))?;
    let record = read_record(engine, short)?;
    let timeline: Timeline = record.timeline;
    let head = last_commit(engine, short)?.unwrap_or(record.base_head);
    let TimelineRecord { sealed, floor, .. } = record;
    Ok(Some(Entry { short, state: TimelineState { timeline, head, sealed, floor } }))
}

fn last_commit(engine: &dyn Engine, short: Short) -> Result<Option<Head>> {
    let from = keys::commit(short, Lsn::ZERO);
    let to = keys::commit(short, Lsn::MAX);
    let mut last = None;
    engine.visit(&from, &to, Direction::Descending, &mut |key, value| {
        last = Some((key.to_vec(), value.to_vec()));
        ControlFlow::Break(())
    })?;
    let Some((key, stored)) = last else { return Ok(None) };
    let bytes = value::payload(engine, &key, &stored)?;
    record::decode_head(&bytes).map(Some)
}
