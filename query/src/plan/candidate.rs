//! What an index can do for a query: its bounds, its ranges of keys, its order.

use std::sync::Arc;

use argon_core::document::{CUT_PREFIX_BYTES, FieldKind, Index};
use bson::Bson;

use super::bounds;
use super::fields::{self, FieldBounds};
use super::implied::implies;
use super::interval::{Intervals, encoded, successor};
use super::{Direction, Query, ReadableIndex};

/// The most ranges of keys of a plan. Where there were more, a part of the values between is read too.
const MOST_RANGES: usize = 65_536;

/// The keys from the first on, and before the second.
pub type ByteRange = (Vec<u8>, Vec<u8>);

/// An index that can be used for a query.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The position among the readable indexes.
    pub(super) at: usize,
    pub(super) index: Arc<Index>,
    pub(super) multikey: bool,
    /// The values that are read of each field.
    pub(super) bounds: Vec<FieldBounds>,
    pub(super) ranges: Vec<ByteRange>,
    /// The direction in which the entries are in the order of the query's sort.
    pub(super) sort: Option<Direction>,
    /// Whether exactly the entries in the ranges are those of documents that match.
    pub(super) covers_filter: bool,
}

impl Candidate {
    /// Returns what an index can do for a query.
    ///
    /// # Errors
    /// The reason why it can't be used, in words that follow its name.
    pub(super) fn of(
        query: &Query<'_>,
        at: usize,
        readable: &ReadableIndex,
    ) -> Result<Self, String> {
        let index = &readable.index;
        if let Some(filter) = index.filter()
            && !implies(query.filter, filter, query.is_collated())
        {
            return Err("is partial, and the query does not imply its filter".to_owned());
        }
        let multikey = readable.multikey;
        let bounds = fields::of_index(query, index, multikey)?;
        let (ranges, whole) = ranges(index, &bounds);
        let sort = if multikey { None } else { order(query, index, &bounds) };
        let covers_filter = whole && !multikey && covers_filter(query, index, &bounds);
        let index = index.clone();
        Ok(Self { at, index, multikey, bounds, ranges, sort, covers_filter })
    }

    /// Whether the query bounds the index.
    pub(super) fn is_bounded(&self) -> bool {
        self.bounds.iter().any(|field| !field.intervals.is_all())
    }

    /// The number of first fields of which single values are read.
    pub(super) fn equalities(&self) -> usize {
        self.bounds.iter().take_while(|field| field.intervals.is_points()).count()
    }

    /// The number of combinations of those values.
    pub(super) fn points(&self) -> usize {
        let each = self.bounds.iter().take_while(|field| field.intervals.is_points());
        each.fold(1, |all, field| all.saturating_mul(field.intervals.iter().len()))
    }

    /// How much is read of the first field of which not only single values are.
    pub(super) fn range_width(&self) -> u8 {
        let range = self.bounds.get(self.equalities());
        range.map_or(0, |field| bounds::width(&field.intervals).0)
    }

    /// Whether at most one document is read.
    pub(super) fn is_unique_point(&self) -> bool {
        self.index.is_unique() && self.equalities() == self.bounds.len() && self.points() == 1
    }
}

/// The ranges of keys of some bounds, ascending, and whether they are exactly those.
fn ranges(index: &Index, bounds: &[FieldBounds]) -> (Vec<ByteRange>, bool) {
    let mut prefixes = vec![Vec::new()];
    if let [FieldBounds { path, kind: FieldKind::Wildcard, .. }] = bounds {
        prefixes = vec![encoded(&Bson::String(path.clone())).unwrap_or_default()];
    }
    let mut whole = true;
    let mut ranges: Option<Vec<ByteRange>> = None;
    for field in bounds {
        let intervals = &field.intervals;
        if ranges.is_some() {
            whole &= intervals.is_all();
            continue;
        }
        let descending = match field.kind {
            FieldKind::Wildcard => index.has_descending_values(),
            kind => kind == FieldKind::Descending,
        };
        let fits = prefixes.len().saturating_mul(intervals.iter().len()) <= MOST_RANGES;
        if !fits {
            whole = false;
            ranges = Some(with_each(&prefixes, &intervals.hull(), descending));
        } else if intervals.is_points() {
            prefixes = with_each(&prefixes, intervals, descending)
                .into_iter()
                .map(|(from, _)| from)
                .collect();
        } else {
            ranges = Some(with_each(&prefixes, intervals, descending));
        }
    }
    let ranges =
        ranges.unwrap_or_else(|| prefixes.iter().map(|prefix| beginning(prefix)).collect());
    let whole =
        whole && ranges.iter().all(|(from, to)| from.len().max(to.len()) <= CUT_PREFIX_BYTES);
    (merged(ranges.into_iter().map(limited).collect()), whole)
}

/// The ranges of some intervals after each of some prefixes.
fn with_each(prefixes: &[Vec<u8>], intervals: &Intervals, descending: bool) -> Vec<ByteRange> {
    let mut ranges = Vec::with_capacity(prefixes.len() * intervals.iter().len());
    for prefix in prefixes {
        for interval in intervals.iter() {
            let (from, to) = interval.bytes(descending);
            ranges.push(([&prefix[..], &from].concat(), [&prefix[..], &to].concat()));
        }
    }
    ranges
}

/// The keys that begin with a prefix.
pub(super) fn beginning(prefix: &[u8]) -> ByteRange {
    // The first byte of a key is a type, of which none is the greatest byte, inverted or not.
    (prefix.to_vec(), successor(prefix.to_vec()).unwrap_or_else(|| vec![u8::MAX]))
}

/// A range of cut keys that has all that are in a range of whole keys.
pub(super) fn limited((mut from, mut to): ByteRange) -> ByteRange {
    from.truncate(CUT_PREFIX_BYTES);
    if to.len() > CUT_PREFIX_BYTES {
        to.truncate(CUT_PREFIX_BYTES);
        to = successor(to).unwrap_or_else(|| vec![u8::MAX]);
    }
    (from, to)
}

/// The ranges in order, those that overlap or touch as one.
pub(super) fn merged(mut ranges: Vec<ByteRange>) -> Vec<ByteRange> {
    ranges.sort_unstable();
    let mut merged: Vec<ByteRange> = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        match merged.last_mut() {
            Some((_, last)) if from <= *last => {
                if *last < to {
                    *last = to;
                }
            }
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// The direction in which the entries of an index without arrays are in the order of the sort.
fn order(query: &Query<'_>, index: &Index, bounds: &[FieldBounds]) -> Option<Direction> {
    let sort = query.sort?;
    if query.is_collated() {
        return None;
    }
    let constant = |path: &str| is_constant(bounds, path);
    let mut fields =
        bounds.iter().map(|field| (field.path.as_str(), field.kind)).collect::<Vec<_>>();
    // Entries with one key are in the order of their `_id`s.
    if fields.iter().all(|(path, _)| *path != "_id") {
        fields.push(("_id", FieldKind::Ascending));
    }
    let mut fields = fields.into_iter().filter(|(path, _)| !constant(path));
    let mut direction = None;
    for (path, descending) in sort.fields() {
        let path = path.join(".");
        if constant(&path) {
            continue;
        }
        let (of_index, kind) = fields.next()?;
        if of_index != path || !kind.is_ordered() {
            return None;
        }
        let this = if descending == (kind == FieldKind::Descending) {
            Direction::Ascending
        } else {
            Direction::Descending
        };
        if *direction.get_or_insert(this) != this {
            return None;
        }
        if path == "_id" && index.fields().iter().all(|field| field.path() != "_id") {
            // Nothing is equal by `_id`.
            break;
        }
    }
    Some(direction.unwrap_or(Direction::Ascending))
}

/// Whether all documents that match have the same value at a path, whether or not the ranges leave
/// all others out.
fn is_constant(bounds: &[FieldBounds], path: &str) -> bool {
    let is_one = |field: &FieldBounds| {
        field.kind != FieldKind::Hashed && field.intervals.only_point().is_some()
    };
    bounds.iter().any(|field| field.path == path && is_one(field))
}

/// Whether the filter has nothing but exact conditions on the fields of the index.
fn covers_filter(query: &Query<'_>, index: &Index, bounds: &[FieldBounds]) -> bool {
    !index.fields().iter().any(|field| !field.kind().is_ordered())
        && index.filter().is_none()
        && !index.is_sparse()
        && query
            .filter
            .keys()
            .all(|name| bounds.iter().any(|field| field.path == *name && field.exact))
}
