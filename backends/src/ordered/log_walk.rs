//! Walks over the commits of a timeline.

use std::ops::{ControlFlow, RangeInclusive};

use argon_core::model::{Change, Commit, Image, Lsn, TimelineId, Touched};
use argon_core::storage::Direction;
use argon_core::{Error, Result};

use crate::ordered::blocking::Step;
use crate::ordered::engine;
use crate::ordered::keys::{self, Short};
use crate::ordered::timelines::Entry;
use crate::ordered::wal::Log;
use crate::ordered::{record, value};

/// How many commits the first step of a walk reads, how many the others, and how many bytes of
/// documents end a step early.
const FIRST_STEP: usize = 16;
const STEP: usize = 512;
pub(super) const STEP_BYTES: usize = 4 * 1024 * 1024;

/// A walk over the commits of a timeline, step by step.
pub(super) struct LogWalk {
    timeline: TimelineId,
    /// What is left, both ends included; none when `low > high`.
    low: u64,
    high: u64,
    direction: Direction,
    /// How many commits the next step reads.
    step: usize,
    /// What was the timeline's floor when the walk came by last.
    floor: Lsn,
}

impl LogWalk {
    pub(super) fn new(
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> Self {
        let (low, high) = (range.start().get(), range.end().get());
        Self { timeline, low, high, direction, step: FIRST_STEP, floor: Lsn::ZERO }
    }

    /// Reads the next commits; `finish` makes an item of each, and says whether to end the step.
    /// Commits that are removed meanwhile are left out like those that were.
    pub(super) fn step<T>(
        &mut self,
        log: &Log,
        mut finish: impl FnMut(Commit<Touched>, Short) -> Result<(T, bool)>,
    ) -> Result<Step<T>> {
        let before = (self.low, self.high);
        loop {
            match self.try_step(log, &mut finish) {
                Err(_) if self.floor_has_risen(log)? => (self.low, self.high) = before,
                step => return step,
            }
        }
    }

    fn floor_has_risen(&self, log: &Log) -> Result<bool> {
        let entry = log.timelines.entry(self.timeline)?;
        Ok(entry.is_none_or(|entry| entry.state.floor > self.floor))
    }

    fn try_step<T>(
        &mut self,
        log: &Log,
        finish: &mut impl FnMut(Commit<Touched>, Short) -> Result<(T, bool)>,
    ) -> Result<Step<T>> {
        let Some(entry) = log.timelines.entry(self.timeline)? else {
            return Ok(Step { items: Vec::new(), more: false });
        };
        self.floor = entry.state.floor;
        self.low = self.low.max(self.floor.get() + 1);
        self.high = self.high.min(entry.state.head.lsn.get());
        let mut items = Vec::new();
        for (lsn, stored) in self.rows(log, entry)? {
            let expected = match self.direction {
                Direction::Ascending => self.low,
                Direction::Descending => self.high,
            };
            if lsn.get() != expected {
                return Err(missing(expected));
            }
            let key = keys::commit(entry.short, lsn);
            let bytes = value::payload(log.rows.engine(), &key, &stored)?;
            let commit = record::decode_commit(&bytes, &log.collections).map_err(|source| {
                Error::corrupt(format!("commit {lsn} can't be read")).with_source(source)
            })?;
            match self.direction {
                Direction::Ascending => self.low += 1,
                Direction::Descending => self.high -= 1,
            }
            let (item, enough) = finish(commit, entry.short)?;
            items.push(item);
            if enough {
                break;
            }
        }
        self.step = STEP;
        match self.low <= self.high {
            true if items.is_empty() => Err(missing(self.low)),
            more => Ok(Step { items, more }),
        }
    }

    /// The next stored commits, no further than what is durable.
    fn rows(&self, log: &Log, entry: Entry) -> Result<Vec<(Lsn, Vec<u8>)>> {
        if self.low > self.high {
            return Ok(Vec::new());
        }
        let from = keys::commit(entry.short, Lsn::new(self.low));
        let to = keys::commit(entry.short, Lsn::new(self.high + 1));
        let direction = match self.direction {
            Direction::Ascending => engine::Direction::Ascending,
            Direction::Descending => engine::Direction::Descending,
        };
        let mut rows = Vec::new();
        let mut bytes = 0;
        log.rows.engine().visit(&from, &to, direction, &mut |key, value| {
            let lsn = keys::split_commit(key).map_or(Lsn::ZERO, |(_, lsn)| lsn);
            rows.push((lsn, value.to_vec()));
            bytes += value::size(value);
            if rows.len() == self.step || bytes >= STEP_BYTES {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(rows)
    }
}

fn missing(lsn: u64) -> Error {
    Error::corrupt(format!("commit {lsn} is missing from the log"))
}

impl Log {
    pub(super) fn with_documents(
        &self,
        commit: Commit<Touched>,
        timeline: Short,
    ) -> Result<Commit> {
        let lsn = commit.meta.lsn;
        let changes = commit
            .changes
            .into_iter()
            .map(|touched| self.change(timeline, lsn, touched))
            .collect::<Result<Vec<_>>>()?;
        Ok(Commit { meta: commit.meta, digest: commit.digest, changes })
    }

    fn change(&self, timeline: Short, lsn: Lsn, touched: Touched) -> Result<Change> {
        let Touched { collection, key, deleted } = touched;
        let missing = || {
            Error::corrupt(format!("commit {lsn} lacks its image of the document with _id {key}"))
        };
        let short = self.collections.find(collection).ok_or_else(missing)?;
        let stored = keys::version(&keys::versions(timeline, short), key.as_bytes(), lsn);
        let image = match self.rows.engine().get(&stored)? {
            None => return Err(missing()),
            Some(value) if deleted != value.is_empty() => return Err(missing()),
            Some(_) if deleted => Image::Deleted,
            Some(value) => Image::Document(argon_core::model::Document::from_stored(
                value::payload(self.rows.engine(), &stored, &value)?,
            )?),
        };
        Ok(Change { collection, key, image })
    }
}
