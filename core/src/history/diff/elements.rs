//! Aligns the elements of two arrays.

use std::ops::Range;

/// The maximum number of edits to search for; beyond it, elements are compared by position.
const MOST_EDITS: usize = 256;

/// A run of differing elements: one range of each array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) old: Range<usize>,
    pub(super) new: Range<usize>,
}

impl Hunk {
    /// The number of differing elements.
    pub(super) fn size(&self) -> usize {
        self.old.len().max(self.new.len())
    }
}

/// Returns the hunks of a longest common subsequence; `None` if it takes more than [`MOST_EDITS`]
/// insertions and removals.
///
/// Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), after removing the common
/// prefix and suffix. Memory: O([`MOST_EDITS`]²).
pub(super) fn hunks<T: PartialEq>(old: &[T], new: &[T]) -> Option<Vec<Hunk>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let (mut hunks, mut at) = (Vec::new(), (0, 0));
    let ends = (old.len(), new.len());
    for (x, y) in pairs(old, new)?.into_iter().rev().chain([ends]) {
        if (x, y) != at {
            hunks.push(Hunk { old: head + at.0..head + x, new: head + at.1..head + y });
        }
        at = (x + 1, y + 1);
    }
    Some(hunks)
}

/// The positions of aligned elements, in descending order.
fn pairs<T: PartialEq>(old: &[T], new: &[T]) -> Option<Vec<(usize, usize)>> {
    let most = MOST_EDITS.min(old.len() + new.len());
    let reached = reached(old, new, most)?;
    let middle = most + 1;
    let (mut x, mut y) = (old.len(), new.len());
    let mut pairs = Vec::new();
    for (edits, before) in reached.iter().enumerate().rev() {
        let (from_x, from_y) = if edits == 0 {
            (0, 0)
        } else {
            let diagonal = x + middle - y;
            let from = step_to(diagonal, edits, middle, before);
            (before[from], before[from] + middle - from)
        };
        while x > from_x && y > from_y {
            (x, y) = (x - 1, y - 1);
            pairs.push((x, y));
        }
        (x, y) = (from_x, from_y);
    }
    Some(pairs)
}

/// For each number of edits, the position in `old` that each diagonal reached before the last of
/// them; a diagonal is `x + middle - y`. `None` if `most` edits are not enough.
fn reached<T: PartialEq>(old: &[T], new: &[T], most: usize) -> Option<Vec<Vec<usize>>> {
    let middle = most + 1;
    let mut furthest = vec![0; 2 * middle + 1];
    let mut reached = Vec::new();
    for edits in 0..=most {
        reached.push(furthest.clone());
        let before = furthest.clone();
        for diagonal in (middle - edits..=middle + edits).step_by(2) {
            let from = step_to(diagonal, edits, middle, &before);
            let mut x = if from > diagonal || edits == 0 { before[from] } else { before[from] + 1 };
            let mut y = x + middle - diagonal;
            while x < old.len() && y < new.len() && old[x] == new[y] {
                (x, y) = (x + 1, y + 1);
            }
            furthest[diagonal] = x;
            if x >= old.len() && y >= new.len() {
                return Some(reached);
            }
        }
    }
    None
}

/// The diagonal from which the last of `edits` edits comes: the one above for an insertion, the one
/// below for a removal.
fn step_to(diagonal: usize, edits: usize, middle: usize, before: &[usize]) -> usize {
    let (low, high) = (middle - edits, middle + edits);
    let inserts =
        diagonal == low || diagonal != high && before[diagonal - 1] < before[diagonal + 1];
    if inserts { diagonal + 1 } else { diagonal - 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
        let hunks = hunks(old.as_bytes(), new.as_bytes()).unwrap();
        hunks.into_iter().map(|hunk| (hunk.old, hunk.new)).collect()
    }

    #[test]
    fn what_is_inserted_or_removed_moves_nothing_else() {
        assert_eq!(of("abc", "xabc"), [(0..0, 0..1)]);
        assert_eq!(of("abcd", "acd"), [(1..2, 1..1)]);
        assert_eq!(of("abc", "bcd"), [(0..1, 0..0), (3..3, 2..3)]);
        assert_eq!(of("abc", "axc"), [(1..2, 1..2)]);
        assert_eq!(of("aaa", "aa"), [(2..3, 2..2)]);
        assert_eq!(of("", "ab"), [(0..0, 0..2)]);
        assert!(of("abc", "abc").is_empty() && of("", "").is_empty());
    }

    #[test]
    fn two_long_arrays_that_have_little_in_common_are_not_aligned() {
        let old: Vec<u32> = (0..1000).collect();
        let new: Vec<u32> = (1000..2000).collect();
        assert_eq!(hunks(&old, &new), None);
    }

    proptest! {
        #[test]
        fn what_stands_between_the_hunks_is_equal_and_none_is_needless(
            old in prop::collection::vec(0..4_u8, 0..12),
            new in prop::collection::vec(0..4_u8, 0..12),
        ) {
            let hunks = hunks(&old, &new).unwrap();
            let mut rebuilt = Vec::new();
            let mut at = 0;
            for Hunk { old: was, new: is } in &hunks {
                rebuilt.extend_from_slice(&old[at..was.start]);
                rebuilt.extend_from_slice(&new[is.clone()]);
                at = was.end;
                prop_assert!(!was.is_empty() || !is.is_empty());
            }
            rebuilt.extend_from_slice(&old[at..]);
            prop_assert_eq!(&rebuilt, &new);
            let edits: usize = hunks.iter().map(|hunk| hunk.old.len() + hunk.new.len()).sum();
            prop_assert_eq!(edits, old.len() + new.len() - 2 * longest_common(&old, &new));
        }
    }

    fn longest_common(old: &[u8], new: &[u8]) -> usize {
        match (old.split_first(), new.split_first()) {
            (Some((a, rest)), Some((b, other))) if a == b => 1 + longest_common(rest, other),
            (Some((_, rest)), Some((_, other))) => {
                longest_common(rest, new).max(longest_common(old, other))
            }
            _ => 0,
        }
    }
}
