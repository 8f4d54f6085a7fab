//! Which segments of a long ancestry hold a document, so that a read seeks in those alone.
//!
//! A fork of a fork of a fork has a segment for each, so a document that none of them changed costs a
//! seek in every one. Segments below the leaf never change, and those of forks are mostly small, so
//! their keys are gathered once and kept in memory. Garbage collection removes versions and adds none,
//! so the gathered keys may name a segment without the document, but never omit one that has it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::Result;
use argon_core::model::{Lsn, View};

use crate::ordered::cursor::SegmentRows;
use crate::ordered::engine::{Direction, Engine};
use crate::ordered::keys::{self, Short};
use crate::ordered::rows::Rows;
use crate::ordered::timelines::TimelineTable;

/// Shorter ancestries are read segment by segment.
const SHORTEST: usize = 3;

/// Gathering costs more than one read gains, so it waits for this many.
const READS_BEFORE: u32 = 3;

/// The most rows of one segment from which keys are gathered. Every read seeks in a larger segment.
const SEGMENT_ROWS: usize = 4_096;

/// The most rows from which one ancestry gathers keys: a read that gathers takes some milliseconds.
const ANCESTRY_ROWS: usize = 4 * SEGMENT_ROWS;

/// The most memory that the keys of one ancestry take, in bytes.
const KEY_BYTES: usize = 2 * 1024 * 1024;

/// The memory of a key besides its bytes.
const KEY_OVERHEAD_BYTES: usize = 48;

/// How many ancestries are cached: the most recently read ones.
const REMEMBERED: usize = 16;

/// The segments of a view below its leaf, and the keys of one collection in them.
pub(super) struct Ancestry {
    /// Nearest first.
    segments: Vec<SegmentRows>,
    /// Segments that may hold any document, ascending.
    large: Vec<usize>,
    /// The nearest other segment that holds a document.
    nearest: HashMap<Box<[u8]>, usize>,
}

impl Ancestry {
    /// The segments in which to seek a document, nearest first.
    pub(super) fn segments_of(&self, key: &[u8]) -> impl Iterator<Item = SegmentRows> {
        let nearest = self.nearest.get(key).copied();
        let from = nearest.unwrap_or(self.segments.len());
        let above = self.large.iter().copied().filter(move |at| *at < from);
        above.chain(from..self.segments.len()).map(|at| self.segments[at])
    }

    /// Whether the segment at this place below the leaf may hold a document.
    pub(super) fn may_hold(&self, at: usize, key: &[u8]) -> bool {
        self.large.binary_search(&at).is_ok()
            || self.nearest.get(key).is_some_and(|nearest| *nearest <= at)
    }

    fn gather(engine: &dyn Engine, segments: Vec<SegmentRows>, collection: Short) -> Result<Self> {
        let mut ancestry = Self { segments, large: Vec::new(), nearest: HashMap::new() };
        let (mut rows, mut bytes) = (ANCESTRY_ROWS, KEY_BYTES);
        for at in 0..ancestry.segments.len() {
            let segment = ancestry.segments[at];
            let keys = keys_of(engine, segment, collection, &mut rows, &mut bytes)?;
            let Some(keys) = keys else {
                ancestry.large.push(at);
                continue;
            };
            for key in keys {
                ancestry.nearest.entry(key).or_insert(at);
            }
        }
        Ok(ancestry)
    }
}

/// The documents that a segment holds; `None` if it takes more than [`SEGMENT_ROWS`] to know, or more rows
/// or bytes than are left. Both are reduced by what was used.
fn keys_of(
    engine: &dyn Engine,
    segment: SegmentRows,
    collection: Short,
    rows_left: &mut usize,
    bytes_left: &mut usize,
) -> Result<Option<Vec<Box<[u8]>>>> {
    let prefix = keys::versions(segment.timeline, collection);
    let mut found: Vec<Box<[u8]>> = Vec::new();
    let (most_rows, most_bytes) = (SEGMENT_ROWS.min(*rows_left), *bytes_left);
    let (mut rows, mut bytes, mut malformed) = (0, 0, false);
    let end = keys::after_prefix(&prefix);
    if most_rows > 0 {
        engine.visit(&prefix, &end, Direction::Ascending, &mut |full, _| {
            rows += 1;
            let Some((key, lsn)) = keys::split_version(&full[prefix.len()..]) else {
                malformed = true;
                return ControlFlow::Break(());
            };
            let inside = segment.above < lsn && lsn <= segment.upto;
            if inside && found.last().is_none_or(|last| **last != *key) {
                bytes += key.len() + KEY_OVERHEAD_BYTES;
                found.push(key.into());
            }
            let is_too_large = rows > most_rows || bytes > most_bytes;
            if is_too_large { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    if malformed {
        return Err(keys::malformed_version());
    }
    *rows_left = rows_left.saturating_sub(rows);
    if most_rows == 0 || rows > most_rows || bytes > most_bytes {
        return Ok(None);
    }
    *bytes_left -= bytes;
    Ok(Some(found))
}

/// The most recently read ancestries.
pub(super) struct Ancestries {
    rows: Arc<Rows>,
    timelines: Arc<TimelineTable>,
    remembered: Mutex<Vec<Remembered>>,
}

struct Remembered {
    name: Name,
    reads: u32,
    ancestry: Option<Arc<Ancestry>>,
}

/// The nearest segment below the leaf, which determines all below it, and the collection. Numbers of
/// timelines are never reused, so a name stays valid.
type Name = (Short, Lsn, Short);

impl Ancestries {
    pub(super) fn new(rows: Arc<Rows>, timelines: Arc<TimelineTable>) -> Self {
        Self { rows, timelines, remembered: Mutex::default() }
    }

    /// The ancestry of a view, if it is long and was read often enough to be gathered.
    pub(super) fn of(&self, view: &View, collection: Short) -> Result<Option<Arc<Ancestry>>> {
        let [_, nearest, ..] = view.segments() else { return Ok(None) };
        if view.segments().len() < SHORTEST + 1 {
            return Ok(None);
        }
        let name = (self.timelines.segment(nearest)?.timeline, nearest.upto, collection);
        let (known, due) = self.read(name);
        if known.is_some() || !due {
            return Ok(known);
        }
        let below = self.timelines.segments(view)?.split_off(1);
        let ancestry = Arc::new(Ancestry::gather(self.rows.engine(), below, collection)?);
        self.learn(name, &ancestry);
        Ok(Some(ancestry))
    }

    /// Counts a read of an ancestry. Returns the ancestry, if it was gathered, and whether it is time to
    /// gather it.
    fn read(&self, name: Name) -> (Option<Arc<Ancestry>>, bool) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let at = remembered.iter().position(|one| one.name == name);
        let mut one =
            at.map_or(Remembered { name, reads: 0, ancestry: None }, |at| remembered.remove(at));
        one.reads = one.reads.saturating_add(1);
        let known = (one.ancestry.clone(), one.reads > READS_BEFORE);
        remembered.insert(0, one);
        remembered.truncate(REMEMBERED);
        known
    }

    fn learn(&self, name: Name, ancestry: &Arc<Ancestry>) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = remembered.iter_mut().find(|one| one.name == name) {
            one.ancestry = Some(ancestry.clone());
        }
    }
}
