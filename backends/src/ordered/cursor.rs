//! Walking the newest versions of a collection in one segment of a view.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use argon_core::Result;
use argon_core::model::Lsn;
use argon_core::storage::KeyRange;

use crate::ordered::engine::{Direction, Engine};
use crate::ordered::keys::{self, Short};
use crate::ordered::value::{self, StoredValue};

/// How many rows that don't count are passed over before the engine is asked to seek: a seek costs
/// about as much as these.
const PASSED_OVER: usize = 12;

/// A segment of a view in the store's numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentRows {
    pub(super) timeline: Short,
    pub(super) above: Lsn,
    pub(super) upto: Lsn,
}

/// The newest version of a document in a segment.
pub(super) struct Row {
    /// The document's key.
    pub(super) key: Box<[u8]>,
    pub(super) lsn: Lsn,
    /// The document; `None` if it was deleted.
    pub(super) document: Option<Vec<u8>>,
}

/// A walk in key order over the newest versions in a segment; versions above the segment's end are
/// passed over, and so are older ones.
pub(super) struct Cursor {
    segment: SegmentRows,
    prefix: Vec<u8>,
    /// Where to go on.
    next: Vec<u8>,
    end: Vec<u8>,
    rows: VecDeque<Row>,
    exhausted: bool,
}

/// What a stretch of the walk found.
struct RowBatch {
    rows: Vec<(Box<[u8]>, Lsn, StoredValue)>,
    bytes: usize,
    /// Where to go on; `None` at the end.
    resume: Option<Vec<u8>>,
    malformed: bool,
}

impl Cursor {
    pub(super) fn new(segment: SegmentRows, collection: Short, range: &KeyRange) -> Self {
        let prefix = keys::versions(segment.timeline, collection);
        let bound = |key: &argon_core::key::Key| [&prefix[..], key.as_bytes()].concat();
        let next = range.from.as_ref().map_or_else(|| prefix.clone(), bound);
        let end = range.to.as_ref().map_or_else(|| keys::after_prefix(&prefix), bound);
        Self { segment, prefix, next, end, rows: VecDeque::new(), exhausted: false }
    }

    /// The next row; with none in memory, reads about `most` more, or as many as have `most_bytes`.
    pub(super) fn next(
        &mut self,
        engine: &dyn Engine,
        most: usize,
        most_bytes: usize,
    ) -> Result<Option<Row>> {
        while self.rows.is_empty() && !self.exhausted {
            self.read(engine, most, most_bytes)?;
        }
        Ok(self.rows.pop_front())
    }

    fn read(&mut self, engine: &dyn Engine, most: usize, most_bytes: usize) -> Result<()> {
        let mut bytes = 0;
        while self.rows.len() < most && bytes < most_bytes && !self.exhausted {
            let batch = self.row_batch(engine, most - self.rows.len(), most_bytes - bytes)?;
            if batch.malformed {
                return Err(keys::malformed_version());
            }
            bytes += batch.bytes;
            match batch.resume {
                Some(next) => self.next = next,
                None => self.exhausted = true,
            }
            for (key, lsn, stored) in batch.rows {
                let document = match stored {
                    StoredValue::Whole(document) => Some(document),
                    stored => stored.payload(engine, &keys::version(&self.prefix, &key, lsn))?,
                };
                self.rows.push_back(Row { key, lsn, document });
            }
        }
        Ok(())
    }

    /// One visit of the engine, up to `most` rows, `most_bytes`, or a jump.
    fn row_batch(&self, engine: &dyn Engine, most: usize, most_bytes: usize) -> Result<RowBatch> {
        let mut found = RowBatch { rows: Vec::new(), bytes: 0, resume: None, malformed: false };
        let (prefix, upto) = (&self.prefix, self.segment.upto);
        let mut passed_over = 0;
        engine.visit(&self.next, &self.end, Direction::Ascending, &mut |full, value| {
            let Some((key, lsn)) = keys::split_version(&full[prefix.len()..]) else {
                found.malformed = true;
                return ControlFlow::Break(());
            };
            let older = found.rows.last().is_some_and(|(last, ..)| **last == *key);
            if older || lsn > upto || lsn <= self.segment.above {
                passed_over += 1;
                if passed_over < PASSED_OVER {
                    return ControlFlow::Continue(());
                }
                found.resume = Some(if older || lsn <= self.segment.above {
                    keys::after_versions(prefix, key)
                } else {
                    keys::version(prefix, key, upto)
                });
                return ControlFlow::Break(());
            }
            passed_over = 0;
            found.bytes += value::size(value);
            found.rows.push((key.into(), lsn, StoredValue::of(full, value)));
            if found.rows.len() < most && found.bytes < most_bytes {
                return ControlFlow::Continue(());
            }
            found.resume = Some(keys::after_versions(prefix, key));
            ControlFlow::Break(())
        })?;
        Ok(found)
    }
}
