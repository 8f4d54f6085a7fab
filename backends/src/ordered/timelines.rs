//! What is known of timelines: their short numbers, bases and heads.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use argon_core::model::{Head, Lsn, Timeline, TimelineId};
use argon_core::storage::TimelineState;
use argon_core::{Error, Result};

use crate::ordered::engine::{Batch, Direction, Engine};
use crate::ordered::keys::{self, Short};
use crate::ordered::record::{self, TimelineRecord};
use crate::ordered::{Ordered, value};

/// The timelines of a store. Each is read when it is first asked for.
pub(super) struct TimelineTable {
    slots: Mutex<HashMap<TimelineId, Arc<Slot>>>,
    next: AtomicU32,
}

/// One timeline, whether it exists yet or not.
#[derive(Default)]
pub(super) struct Slot {
    /// Held during an append or a seal.
    pub(super) writing: Mutex<()>,
    /// What readers see; it moves on after a write is durable.
    entry: RwLock<Option<Entry>>,
}

/// A timeline that exists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) short: Short,
    pub(super) state: TimelineState,
}

impl TimelineTable {
    pub(super) fn load(engine: &dyn Engine) -> Result<Self> {
        let mut last = None;
        let (from, to) = ([keys::TIMELINE], [keys::TIMELINE + 1]);
        engine.visit(&from, &to, Direction::Descending, &mut |key, _| {
            last = Some(keys::take_short(&key[1..]).map(|(short, _)| short));
            ControlFlow::Break(())
        })?;
        let next = match last {
            None => 0,
            Some(Some(short)) => short + 1,
            Some(None) => return Err(Error::corrupt("the store's table of timelines is damaged")),
        };
        Ok(Self { slots: Mutex::default(), next: AtomicU32::new(next) })
    }

    /// The heads of the timelines that were looked at since the store was opened.
    pub(super) fn heads(&self) -> Vec<(TimelineId, Head)> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.iter().filter_map(|(id, slot)| Some((*id, slot.get()?.state.head))).collect()
    }

    /// The slot of a timeline.
    pub(super) fn slot(&self, ordered: &Ordered, id: TimelineId) -> Result<Arc<Slot>> {
        if let Some(slot) = self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(slot.clone());
        }
        let entry = load_entry(&*ordered.engine, id)?;
        if let Some(place) = &ordered.place {
            place.witness.check(id, entry.as_ref().map(|entry| &entry.state.head))?;
        }
        let entry = RwLock::new(entry);
        let slot = Arc::new(Slot { entry, ..Slot::default() });
        // Another thread may have been faster; all must share one slot.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(slots.entry(id).or_insert(slot).clone())
    }

    /// Waits until the appends and seals that are on their way now are done.
    pub(super) fn wait_for_writes(&self) {
        let slots: Vec<Arc<Slot>> =
            self.slots.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for slot in slots {
            drop(slot.writing.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// A timeline that exists, or `None`.
    pub(super) fn entry(&self, ordered: &Ordered, id: TimelineId) -> Result<Option<Entry>> {
        Ok(self.slot(ordered, id)?.get())
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

    /// Shows readers what is durable now.
    pub(super) fn publish(&self, entry: Entry) {
        *self.entry.write().unwrap_or_else(PoisonError::into_inner) = Some(entry);
    }

    /// Shows readers that the timeline does not exist any more.
    pub(super) fn withdraw(&self) {
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
