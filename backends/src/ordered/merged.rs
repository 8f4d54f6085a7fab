//! A merge of the segments of a view.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use argon_core::Result;

use crate::ordered::cursor::{Cursor, Row};
use crate::ordered::engine::Engine;

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
    pub(super) fn of(cursors: Vec<Cursor>) -> Self {
        Self { cursors, first: BinaryHeap::new(), begun: false }
    }

    /// The next row. When cursors have nothing in memory, they read about `most` rows together.
    pub(super) fn next(&mut self, engine: &dyn Engine, most: usize) -> Result<Option<Row>> {
        if let [only] = &mut self.cursors[..] {
            return only.next(engine, most, READ_AHEAD_BYTES);
        }
        let cursors = self.cursors.len();
        let share = |whole: usize| whole / cursors.max(1);
        let (most, bytes) = (share(most).max(LEAST_READ_AHEAD), share(READ_AHEAD_BYTES));
        let mut take = |cursor: usize| -> Result<Option<First>> {
            let row = self.cursors[cursor].next(engine, most, bytes)?;
            Ok(row.map(|row| First { row, cursor }))
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
        Ok(next)
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
