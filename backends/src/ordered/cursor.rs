//! A walk over the newest versions of a collection in one segment of a view.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use argon_core::Result;
use argon_core::key::Key;
use argon_core::model::{Document, Image, Lsn};
use argon_core::storage::{KeyRange, Predicate};

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
    /// The document; `None` if it was deleted or does not match. An error does not count if the row is
    /// hidden by that of another segment.
    pub(super) document: Result<Option<Document>>,
}

/// The result of a step of a walk.
pub(super) enum Next {
    Row(Row),
    /// There are none in memory, and more may follow.
    Pending,
    End,
}

/// A walk in key order over the newest versions in a segment. It skips older versions, and versions
/// above the end of the segment.
pub(super) struct Cursor {
    segment: SegmentRows,
    prefix: Vec<u8>,
    /// Where the next visit of the engine begins.
    next: Vec<u8>,
    end: Vec<u8>,
    selection: Selection,
    /// The document of the last row that was read.
    last: Vec<u8>,
    rows: VecDeque<StoredRow>,
    exhausted: bool,
}

/// The rows that a walk returns.
#[derive(Clone)]
pub(super) struct Selection {
    /// Documents for which it is false are returned as if they were deleted.
    pub(super) predicate: Option<Predicate>,
    /// Whether rows without a document are returned: they hide those of lower segments.
    pub(super) hides: bool,
}

/// A version as the walk found it.
struct StoredRow {
    key: Key,
    lsn: Lsn,
    image: Result<StoredImage>,
}

impl Cursor {
    pub(super) fn new(
        segment: SegmentRows,
        collection: Short,
        range: &KeyRange,
        selection: Selection,
    ) -> Self {
        let prefix = keys::versions(segment.timeline, collection);
        let bound = |key: &Key| [&prefix[..], key.as_bytes()].concat();
        let next = range.from.as_ref().map_or_else(|| prefix.clone(), bound);
        let end = range.to.as_ref().map_or_else(|| keys::after_prefix(&prefix), bound);
        let (last, rows) = (Vec::new(), VecDeque::new());
        Self { segment, prefix, next, end, selection, last, rows, exhausted: false }
    }

    /// The next row. With none in memory, it reads about `most` rows, or as many as have `most_bytes`,
    /// if `may_read`, which is false from then on. Rows that are not returned count as read.
    pub(super) fn next(
        &mut self,
        engine: &dyn Engine,
        most: usize,
        most_bytes: usize,
        may_read: &mut bool,
    ) -> Result<Next> {
        if self.rows.is_empty() && !self.exhausted && std::mem::take(may_read) {
            self.read(engine, most, most_bytes)?;
        }
        let StoredRow { key, lsn, image } = match self.rows.pop_front() {
            Some(row) => row,
            None if self.exhausted => return Ok(Next::End),
            None => return Ok(Next::Pending),
        };
        let at = || keys::version(&self.prefix, key.as_bytes(), lsn);
        let document = image.and_then(|image| self.selection.document(image, engine, at));
        Ok(Next::Row(Row { key, lsn, document }))
    }

    fn read(&mut self, engine: &dyn Engine, most: usize, most_bytes: usize) -> Result<()> {
        let (mut read, mut bytes) = (0, 0);
        while read < most && bytes < most_bytes && !self.exhausted {
            let visited = self.visit(engine, most - read, most_bytes - bytes)?;
            (read, bytes) = (read + visited.0, bytes + visited.1);
        }
        Ok(())
    }

    /// One visit of the engine, up to `most` rows, `most_bytes`, or a jump. Returns the rows and the
    /// bytes that it read.
    fn visit(
        &mut self,
        engine: &dyn Engine,
        most: usize,
        most_bytes: usize,
    ) -> Result<(usize, usize)> {
        let Self { segment, prefix, next, end, selection, last, rows, .. } = self;
        let (mut passed_over, mut read, mut bytes) = (0, 0, 0);
        let mut resume = None;
        let mut taken = Ok(());
        engine.visit(next, end, Direction::Ascending, &mut |full, value| {
            let Some((key, lsn)) = keys::split_version(&full[prefix.len()..]) else {
                taken = Err(keys::malformed_version());
                return ControlFlow::Break(());
            };
            let older = last == key;
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
            read += 1;
            bytes += value::size(value);
            last.clear();
            last.extend_from_slice(key);
            let image = selection.image(full, value).transpose();
            let row =
                image.map(|image| Ok(StoredRow { key: keys::document_key(key)?, lsn, image }));
            match row.transpose() {
                Ok(row) => rows.extend(row),
                Err(error) => {
                    taken = Err(error);
                    return ControlFlow::Break(());
                }
            }
            if read < most && bytes < most_bytes {
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
        Ok((read, bytes))
    }
}

impl Selection {
    /// The image in the row of the newest version of a document, if the row is returned. The
    /// predicate is evaluated here if the row holds the whole document.
    fn image(&self, full: &[u8], value: &[u8]) -> Result<Option<StoredImage>> {
        let image = StoredImage::selected(full, value, self.predicate.as_ref())?;
        let is_deleted = matches!(image, StoredImage::Whole(Image::Deleted));
        Ok((self.hides || !is_deleted).then_some(image))
    }

    /// The document of an image, given the key of its row. The predicate is evaluated here if the row
    /// does not hold the whole document.
    fn document(
        &self,
        image: StoredImage,
        engine: &dyn Engine,
        key: impl FnOnce() -> Vec<u8>,
    ) -> Result<Option<Document>> {
        let is_whole = matches!(image, StoredImage::Whole(_));
        let document = image.image(engine, key)?.into_document();
        match (&document, &self.predicate) {
            (Some(found), Some(predicate)) if !is_whole && !predicate(found.as_raw())? => Ok(None),
            _ => Ok(document),
        }
    }
}
