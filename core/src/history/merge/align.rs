//! Putting side by side what has one name, and in which order it comes out.

use super::sides::Sides;
use crate::document::value::Entry;

/// How many entries are searched one by one; more get an index.
const SMALL: usize = 32;

/// What the three sides have under one name.
pub(super) struct Row<'a, N> {
    pub(super) name: N,
    pub(super) sides: Sides<'a>,
}

/// Puts the entries of the three sides together by name; `None` if a side has a name twice.
///
/// If ours has kept the order of what was there, the rows come in the order of theirs, then what
/// only ours has; otherwise the other way round. So a new order on one side is not lost. Names that
/// only the base has are left out. O(n log n).
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

/// Where in a list of entries a name is.
struct Index<'e, 'a, N> {
    entries: &'e [Entry<'a, N>],
    /// Positions in the order of the names, if there are many.
    sorted: Vec<usize>,
}

impl<'e, 'a, N: Ord> Index<'e, 'a, N> {
    /// `None` if a name is there twice.
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

    /// The position of a name, which is likely to be near `guess`.
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

    /// Whether those of the other entries that are here too come in the same order.
    fn keeps_order(&self, others: &[Entry<'a, N>]) -> bool {
        let places = others.iter().enumerate();
        places.filter_map(|(at, entry)| self.find(&entry.name, at)).is_sorted()
    }
}
