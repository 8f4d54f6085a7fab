//! Aligns entries by name, and determines their order in the result.

use super::sides::Sides;
use crate::document::value::Entry;

/// The maximum number of entries for linear search; more get an index.
const SMALL: usize = 32;

/// The entries of the three sides with one name.
pub(super) struct Row<'a, N> {
    pub(super) name: N,
    pub(super) sides: Sides<'a>,
}

/// Aligns the entries of the three sides by name; `None` if a side has a name twice.
///
/// If ours kept the order of the base, the rows have the order of theirs, then the entries of ours
/// alone; otherwise vice versa. So a new order on one side is not lost. Names of the base alone are
/// omitted. O(n log n).
pub(super) fn align<'a, N: Clone + Ord>(
    base: &[Entry<'a, N>],
    ours: &[Entry<'a, N>],
    theirs: &[Entry<'a, N>],
) -> Option<Vec<Row<'a, N>>> {
    let (in_base, in_ours, in_theirs) = (Index::of(base)?, Index::of(ours)?, Index::of(theirs)?);
    let (first, second, in_first) = if in_base.keeps_order(ours) {
        (theirs, ours, &in_theirs)
    } else {
        (ours, theirs, &in_ours)
    };
    let mut rows = Vec::with_capacity(first.len() + second.len());
    let mut push = |at: usize, name: &N| {
        let sides = Sides {
            base: in_base.find(name, at).map(|found| base[found].value),
            ours: in_ours.find(name, at).map(|found| ours[found].value),
            theirs: in_theirs.find(name, at).map(|found| theirs[found].value),
        };
        rows.push(Row { name: name.clone(), sides });
    };
    for (at, entry) in first.iter().enumerate() {
        push(at, &entry.name);
    }
    for (at, entry) in second.iter().enumerate() {
        if in_first.find(&entry.name, at).is_none() {
            push(at, &entry.name);
        }
    }
    Some(rows)
}

/// Finds names in a list of entries.
struct Index<'e, 'a, N> {
    entries: &'e [Entry<'a, N>],
    /// Positions in the order of the names, if there are many.
    sorted: Vec<usize>,
}

impl<'e, 'a, N: Ord> Index<'e, 'a, N> {
    /// `None` if a name occurs twice.
    fn of(entries: &'e [Entry<'a, N>]) -> Option<Self> {
        let name = |at: usize| &entries[at].name;
        let mut sorted = Vec::new();
        let repeated = if entries.len() <= SMALL {
            (1..entries.len()).any(|at| entries[..at].iter().any(|e| e.name == *name(at)))
        } else {
            sorted = (0..entries.len()).collect();
            sorted.sort_unstable_by_key(|at| name(*at));
            sorted.windows(2).any(|pair| name(pair[0]) == name(pair[1]))
        };
        (!repeated).then_some(Self { entries, sorted })
    }

    /// Returns the position of a name, which is probably near `guess`.
    fn find(&self, name: &N, guess: usize) -> Option<usize> {
        if self.entries.get(guess).is_some_and(|entry| entry.name == *name) {
            return Some(guess);
        }
        if self.sorted.is_empty() {
            return self.entries.iter().position(|entry| entry.name == *name);
        }
        let found = self.sorted.binary_search_by(|at| self.entries[*at].name.cmp(name));
        found.ok().map(|found| self.sorted[found])
    }

    /// Returns whether the common entries have the same order in `others`.
    fn keeps_order(&self, others: &[Entry<'a, N>]) -> bool {
        let places = others.iter().enumerate();
        places.filter_map(|(at, entry)| self.find(&entry.name, at)).is_sorted()
    }
}
