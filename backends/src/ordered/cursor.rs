//! A walk over the newest versions of a collection in one segment of a view.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use argon_core::Result;
use argon_core::key::Key;
use argon_core::model::{Document, Lsn};
use argon_core::storage::KeyRange;

use crate::ordered::engine::{Direction, Engine};
use crate::ordered::keys::{self, Short};
use crate::ordered::value::{self, StoredImage};

/// How many rows that don't count are skipped before the walk seeks: a seek costs about as much.
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
    pub(super) key: Key,
    pub(super) lsn: Lsn,
    /// The document; `None` if it was deleted.
    pub(super) document: Option<Document>,
}

/// A walk in key order over the newest versions in a segment. It skips older versions, and versions
/// above the end of the segment.
pub(super) struct Cursor {
    segment: SegmentRows,
    prefix: Vec<u8>,
    /// Where the next visit of the engine begins.
    next: Vec<u8>,
    end: Vec<u8>,
    rows: VecDeque<StoredRow>,
    exhausted: bool,
}

/// A version as the walk found it.
struct StoredRow {
    key: Key,
    lsn: Lsn,
    image: StoredImage,
}

impl Cursor {
    pub(super) fn new(segment: SegmentRows, collection: Short, range: &KeyRange) -> Self {
        let prefix = keys::versions(segment.timeline, collection);
        let bound = |key: &Key| [&prefix[..], key.as_bytes()].concat();
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
        let Some(StoredRow { key, lsn, image }) = self.rows.pop_front() else { return Ok(None) };
        let at = || keys::version(&self.prefix, key.as_bytes(), lsn);
        let document = image.image(engine, at)?.into_document();
        Ok(Some(Row { key, lsn, document }))
    }

    fn read(&mut self, engine: &dyn Engine, most: usize, most_bytes: usize) -> Result<()> {
        let mut bytes = 0;
        while self.rows.len() < most && bytes < most_bytes && !self.exhausted {
            bytes += self.visit(engine, most, most_bytes - bytes)?;
        }
        Ok(())
    }

    /// One visit of the engine, up to `most` rows in memory, `most_bytes`, or a jump. Returns the
    /// bytes that it read.
    fn visit(&mut self, engine: &dyn Engine, most: usize, most_bytes: usize) -> Result<usize> {
        let Self { segment, prefix, next, end, rows, .. } = self;
        let (mut passed_over, mut bytes) = (0, 0);
        let mut resume = None;
        let mut taken = Ok(());
        engine.visit(next, end, Direction::Ascending, &mut |full, value| {
            let Some((key, lsn)) = keys::split_version(&full[prefix.len()..]) else {
                taken = Err(keys::malformed_version());
                return ControlFlow::Break(());
            };
            let older = rows.back().is_some_and(|last| last.key.as_bytes() == key);
            if older || lsn > segment.upto || lsn <= segment.above {
                passed_over += 1;
                if passed_over < PASSED_OVER {
                    return ControlFlow::Continue(());
                }
                resume = Some(if older || lsn <= segment.above {
                    keys::after_versions(prefix, key)
                } else {
                    keys::version(prefix, key, segment.upto)
                });
                return ControlFlow::Break(());
            }
            passed_over = 0;
            bytes += value::size(value);
            let row = keys::document_key(key)
                .and_then(|key| Ok(StoredRow { key, lsn, image: StoredImage::of(full, value)? }));
            match row {
                Ok(row) => rows.push_back(row),
                Err(error) => {
                    taken = Err(error);
                    return ControlFlow::Break(());
                }
            }
            if rows.len() < most && bytes < most_bytes {
                return ControlFlow::Continue(());
            }
            resume = Some(keys::after_versions(prefix, key));
            ControlFlow::Break(())
        })?;
        taken?;
        match resume {
            Some(resume) => self.next = resume,
            None => self.exhausted = true,
        }
        Ok(bytes)
    }
}
