//! Reads the entries of a build in a view.
//!
//! A timeline that continues a build has the entries of the documents that it changed; those of
//! its base are read too, down to the timeline on which the build was made.

use std::ops::ControlFlow;

use argon_core::model::{Lsn, TimelineId, View};
use argon_core::storage::{BuildId, Entry, EntryRange};
use argon_core::{Error, Result};

use crate::ordered::blocking::Step;
use crate::ordered::cursor::SegmentRows;
use crate::ordered::engine::{Direction, Engine};
use crate::ordered::entries;
use crate::ordered::indexes::IndexTable;
use crate::ordered::keys;

/// How many entries the first step of a scan reads, and every later one.
const FIRST_STEP: usize = 64;
const STEP: usize = 2048;

/// How many rows that don't count are skipped before the walk seeks.
const PASSED_OVER: usize = 12;

/// A segment of a view that has entries of a build.
pub(super) struct EntrySegment {
    pub(super) rows: SegmentRows,
    pub(super) timeline: TimelineId,
}

/// An entry and its place: the key of its row after the prefix.
pub(super) type Placed = (Vec<u8>, Entry);

/// A scan in progress.
pub(super) struct EntryScan {
    view: View,
    build: BuildId,
    range: EntryRange,
    direction: Direction,
    /// `None` before the first step.
    segments: Option<Vec<EntrySegment>>,
    /// The place of the last entry of the steps so far.
    last: Option<Vec<u8>>,
}

impl EntryScan {
    pub(super) fn new(view: View, build: BuildId, range: EntryRange, direction: Direction) -> Self {
        Self { view, build, range, direction, segments: None, last: None }
    }

    pub(super) fn step(&mut self, table: &IndexTable) -> Result<Step<Entry>> {
        let most = if self.segments.is_none() { FIRST_STEP } else { STEP };
        if self.segments.is_none() {
            self.segments = Some(table.segments_of(&self.view, self.build)?);
        }
        // Each segment gives its first entries after the last one. Those beyond the nearest end of
        // them are read again by the next step.
        let mut found: Vec<Placed> = Vec::new();
        let mut end: Option<Vec<u8>> = None;
        for segment in self.segments.iter().flatten() {
            let (entries, more) = self.piece(most).read(table, segment)?;
            if more
                && let Some((place, _)) = entries.last()
                && end.as_ref().is_none_or(|end| self.comes_before(place, end))
            {
                end = Some(place.clone());
            }
            found.extend(entries);
        }
        sort(&mut found, self.direction);
        if let Some(end) = &end {
            let within = found.partition_point(|(place, _)| !self.comes_before(end, place));
            found.truncate(within);
        }
        if let Some((place, _)) = found.last() {
            self.last = Some(place.clone());
        }
        let items = found.into_iter().map(|(_, entry)| entry).collect();
        Ok(Step { items, more: end.is_some() })
    }

    fn piece(&self, most: usize) -> Piece<'_> {
        let Self { build, range, direction, last, .. } = self;
        Piece { build: *build, range, after: last.as_deref(), direction: *direction, most }
    }

    fn comes_before(&self, a: &[u8], b: &[u8]) -> bool {
        match self.direction {
            Direction::Ascending => a < b,
            Direction::Descending => b < a,
        }
    }
}

/// Sorts entries by their places, each once.
fn sort(found: &mut Vec<Placed>, direction: Direction) {
    found.sort_unstable_by(|(a, _), (b, _)| match direction {
        Direction::Ascending => a.cmp(b),
        Direction::Descending => b.cmp(a),
    });
    found.dedup_by(|(a, _), (b, _)| a == b);
}

/// The part of a range in one segment after a place.
struct Piece<'a> {
    build: BuildId,
    range: &'a EntryRange,
    after: Option<&'a [u8]>,
    direction: Direction,
    most: usize,
}

impl Piece<'_> {
    /// The first entries of the piece in order, and whether there may be more.
    fn read(&self, table: &IndexTable, segment: &EntrySegment) -> Result<(Vec<Placed>, bool)> {
        let engine = table.rows.engine();
        let SegmentRows { timeline, upto, .. } = segment.rows;
        let (mut found, more) = self.held(engine, &keys::entries(timeline, self.build), upto)?;
        // Appends above the state have moved some of its entries to the past. So the past is read
        // after the present, up to the same end.
        if table.head_of(segment.timeline)? > upto {
            let end = found.last().filter(|_| more).map(|(place, _)| place.clone());
            let past = keys::past_entries(timeline, self.build);
            found.extend(self.past(engine, &past, end.as_deref(), upto)?);
            sort(&mut found, self.direction);
        }
        Ok((found, more))
    }

    /// The rows between which the range lies.
    fn rows(&self, prefix: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let row = |key: &Vec<u8>| [prefix, key].concat();
        let end = self.range.to.as_ref().map_or_else(|| keys::after_prefix(prefix), row);
        (row(&self.range.from), end)
    }

    /// The entries of the head in the piece that the state `upto` has too.
    fn held(&self, engine: &dyn Engine, prefix: &[u8], upto: Lsn) -> Result<(Vec<Placed>, bool)> {
        let (mut from, mut to) = self.rows(prefix);
        match (self.after, self.direction) {
            (Some(after), Direction::Ascending) => from = [prefix, after, &[0]].concat(),
            (Some(after), Direction::Descending) => to = [prefix, after].concat(),
            (None, _) => {}
        }
        let mut found = Vec::with_capacity(self.most.min(64));
        let (mut more, mut failed) = (false, Ok(()));
        if from >= to {
            return Ok((found, false));
        }
        engine.visit(&from, &to, self.direction, &mut |row, stored| {
            let place = &row[prefix.len()..];
            match entries::decode(row, place, stored) {
                Ok((entry, begin)) if begin <= upto => found.push((place.to_vec(), entry)),
                Ok(_) => {}
                Err(error) => failed = Err(error),
            }
            more = found.len() >= self.most;
            if more || failed.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        failed.map(|()| (found, more))
    }

    /// The entries of the past in the piece that the state `upto` has; up to the place `end`.
    fn past(
        &self,
        engine: &dyn Engine,
        prefix: &[u8],
        end: Option<&[u8]>,
        upto: Lsn,
    ) -> Result<Vec<Placed>> {
        let row = |place: &[u8]| [prefix, place].concat();
        let after = |place: &[u8]| keys::ending_at(row(place), Lsn::ZERO);
        let (mut from, mut to) = self.rows(prefix);
        match self.direction {
            Direction::Ascending => {
                from = self.after.map_or(from, after);
                to = end.map_or(to, |end| keys::after_prefix(&after(end)));
            }
            Direction::Descending => {
                to = self.after.map_or(to, row);
                from = end.map_or(from, row);
            }
        }
        past_entries(engine, prefix, from, &to, upto)
    }
}

/// The entries of the past between two rows that the state `upto` has.
pub(super) fn past_entries(
    engine: &dyn Engine,
    prefix: &[u8],
    from: Vec<u8>,
    to: &[u8],
    upto: Lsn,
) -> Result<Vec<Placed>> {
    let mut found = Vec::new();
    let mut next = Some(from);
    while let Some(from) = next.take().filter(|from| &from[..] < to) {
        let (mut passed_over, mut failed) = (0, Ok(()));
        engine.visit(&from, to, Direction::Ascending, &mut |row, stored| {
            let Some((whole, end)) = keys::split_version(row) else {
                failed = Err(Error::corrupt("the key of an index entry is malformed"));
                return ControlFlow::Break(());
            };
            if end <= upto {
                // The spans of an entry come last first, so no later one of it counts.
                passed_over += 1;
                if passed_over < PASSED_OVER {
                    return ControlFlow::Continue(());
                }
                next = Some(keys::ending_at(whole.to_vec(), Lsn::ZERO));
                return ControlFlow::Break(());
            }
            passed_over = 0;
            let place = whole.get(prefix.len()..).unwrap_or_default();
            match entries::decode(row, place, stored) {
                Ok((entry, begin)) if begin <= upto => found.push((place.to_vec(), entry)),
                Ok(_) => {}
                Err(error) => failed = Err(error),
            }
            if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        failed?;
    }
    Ok(found)
}
