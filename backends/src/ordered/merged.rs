//! A merge of the segments of a view.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use argon_core::Result;
use argon_core::storage::{KeyRange, Predicate};

use crate::ordered::cursor::{Cursor, Next, Row, SegmentRows, Selection};
use crate::ordered::engine::Engine;
use crate::ordered::keys::Short;

/// The most bytes of documents that all cursors together read ahead.
const READ_AHEAD_BYTES: usize = 4 * 1024 * 1024;

/// The fewest rows that a cursor reads ahead: a seek of the engine costs about as much.
const LEAST_READ_AHEAD: usize = 16;

/// The rows of several segments in key order; of rows with one key, that of the segment nearest the
/// leaf. Costs a seek for each segment, and then O(log segments) for each row.
pub(super) struct MergedRows {
    /// Leaf first.
    cursors: Vec<Cursor>,
    /// The first row of each cursor that has one; empty before the first call of `next`.
    first: BinaryHeap<First>,
    begun: bool,
}

/// A row and the cursor that read it. The greatest is the next: least key, nearest the leaf.
struct First {
    row: Row,
    cursor: usize,
}

impl MergedRows {
    /// The rows of a collection in some segments, leaf first, as of documents that match.
    pub(super) fn of(
        segments: &[SegmentRows],
        collection: Short,
        range: &KeyRange,
        predicate: Option<&Predicate>,
    ) -> Self {
        let selection = Selection { predicate: predicate.cloned(), hides: segments.len() > 1 };
        let cursor =
            |segment: &SegmentRows| Cursor::new(*segment, collection, range, selection.clone());
        let cursors = segments.iter().map(cursor).collect();
        Self { cursors, first: BinaryHeap::new(), begun: false }
    }

    /// The next row. When cursors have nothing in memory, they read about `most` rows together; a
    /// single cursor only if `may_read`, which is false from then on.
    pub(super) fn next(
        &mut self,
        engine: &dyn Engine,
        most: usize,
        may_read: &mut bool,
    ) -> Result<Next> {
        if let [only] = &mut self.cursors[..] {
            return only.next(engine, most, READ_AHEAD_BYTES, may_read);
        }
        let cursors = self.cursors.len();
        let share = |whole: usize| whole / cursors.max(1);
        let (most, bytes) = (share(most).max(LEAST_READ_AHEAD), share(READ_AHEAD_BYTES));
        let mut take = |cursor: usize| -> Result<Option<First>> {
            loop {
                match self.cursors[cursor].next(engine, most, bytes, &mut true)? {
                    Next::Row(row) => return Ok(Some(First { row, cursor })),
                    Next::Pending => {}
                    Next::End => return Ok(None),
                }
            }
        };
        if !self.begun {
            self.begun = true;
            for cursor in 0..cursors {
                self.first.extend(take(cursor)?);
            }
        }
        let mut next: Option<Row> = None;
        while let Some(first) = self.first.peek_mut() {
            if next.as_ref().is_some_and(|next| next.key != first.row.key) {
                break;
            }
            let row = replace(first, &mut take)?;
            next.get_or_insert(row);
        }
        Ok(next.map_or(Next::End, Next::Row))
    }
}

/// Takes the first row and replaces it by the next one of its cursor.
fn replace(
    mut first: PeekMut<'_, First>,
    take: &mut impl FnMut(usize) -> Result<Option<First>>,
) -> Result<Row> {
    Ok(match take(first.cursor)? {
        Some(following) => std::mem::replace(&mut *first, following).row,
        None => PeekMut::pop(first).row,
    })
}

impl Ord for First {
    fn cmp(&self, other: &Self) -> Ordering {
        (&other.row.key, other.cursor).cmp(&(&self.row.key, self.cursor))
    }
}

impl PartialOrd for First {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for First {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for First {}
