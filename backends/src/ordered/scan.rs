//! Walks over the versions of a view: a collection in key order, and the history of one document.

use argon_core::key::Key;
use argon_core::model::{Image, Lsn, View};
use argon_core::storage::{KeyRange, Predicate, Version};
use argon_core::{Error, Result};

use crate::ordered::blocking::Step;
use crate::ordered::cursor::{Next, Row};
use crate::ordered::keys::Short;
use crate::ordered::materialize::VersionIndex;
use crate::ordered::merged::MergedRows;

/// How many documents the first step of a scan reads (the reader may want no more), and every later
/// one: a step's items stay below 64 KiB, above which glibc tidies its whole heap when they are freed.
const FIRST_STEP: usize = 64;
const STEP: usize = 1024;

/// How many bytes of documents end a step early.
pub(super) const STEP_BYTES: usize = 4 * 1024 * 1024;

/// A scan in progress.
pub(super) struct Scan {
    pub(super) view: View,
    pub(super) collection: Short,
    pub(super) range: KeyRange,
    /// The documents that are returned; `None` for all.
    pub(super) predicate: Option<Predicate>,
    /// `None` before the first step.
    pub(super) rows: Option<MergedRows>,
    /// The error at which the scan ends, after the documents before it.
    pub(super) failed: Option<Error>,
}

impl Scan {
    pub(super) fn step(&mut self, index: &VersionIndex) -> Result<Step<(Key, Version)>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let most = if self.rows.is_none() { FIRST_STEP } else { STEP };
        let rows = match &mut self.rows {
            Some(rows) => rows,
            none => {
                let segments = index.timelines.segments(&self.view)?;
                let (collection, predicate) = (self.collection, self.predicate.as_ref());
                none.insert(MergedRows::of(&segments, collection, &self.range, predicate))
            }
        };
        let mut items = Vec::with_capacity(most);
        let mut bytes = 0;
        // However few documents match, a step reads no more than about so many rows.
        let mut may_read = true;
        for _ in 0..most {
            if bytes >= STEP_BYTES {
                break;
            }
            let next = rows.next(index.rows.engine(), most, &mut may_read)?;
            let Row { key, lsn, document } = match next {
                Next::Row(row) => row,
                Next::Pending => break,
                Next::End => return Ok(Step { items, more: false }),
            };
            match document {
                Ok(Some(document)) => {
                    bytes += document.as_bytes().len();
                    items.push((key, Version { lsn, document }));
                }
                Ok(None) => {}
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(Step { items, more: true })
    }
}

/// A walk over the history of a document: newest first, down from `below`.
pub(super) struct History {
    pub(super) view: View,
    pub(super) collection: Short,
    pub(super) key: Key,
    pub(super) below: Lsn,
}

impl History {
    pub(super) fn step(&mut self, index: &VersionIndex) -> Result<Step<(Lsn, Image)>> {
        const STEP: usize = 64;
        let segments = self.view.segments().iter().zip(index.timelines.segments(&self.view)?);
        let mut segments = segments.filter(|(_, rows)| rows.above.next() < self.below);
        let Some((segment, rows)) = segments.next() else {
            return Ok(Step { items: Vec::new(), more: false });
        };
        // Versions at or below the floor are retained for their content, not as history.
        let floor =
            index.timelines.entry(segment.timeline)?.map_or(Lsn::ZERO, |entry| entry.state.floor);
        let mut items = index.images(rows, self.collection, &self.key, self.below, STEP)?;
        let found = items.len();
        items.retain(|(lsn, _)| *lsn > floor);
        let ended = items.len() < found || floor > rows.above && found == 0;
        self.below = items.last().map_or(rows.above.next(), |(lsn, _)| *lsn);
        Ok(Step { items, more: !ended })
    }
}
