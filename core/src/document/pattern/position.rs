//! The position of a walk through a document in a pattern.

use super::{Pattern, PatternStep};

/// The position of a path in a pattern: the set of steps that may come next, one bit each; the bit
/// after the last step is set if the path matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PatternPosition(pub(super) u128);

impl PatternPosition {
    /// The union of both positions.
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether neither this path nor any below it can match.
    pub(super) fn is_nowhere(self) -> bool {
        self.0 == 0
    }
}

impl Pattern {
    /// The position before the first name.
    pub(crate) fn start(&self) -> PatternPosition {
        self.closed(1)
    }

    /// The position after one more name.
    pub(crate) fn next(&self, place: PatternPosition, name: &str) -> PatternPosition {
        let mut next = 0;
        for (at, step) in self.steps.iter().enumerate() {
            if place.0 & (1 << at) == 0 {
                continue;
            }
            match step {
                PatternStep::Name(wanted) if wanted.as_str() == name => next |= 1 << (at + 1),
                PatternStep::Any => next |= 1 << (at + 1),
                PatternStep::AnyNumber => next |= 1 << at,
                PatternStep::Name(_) => {}
            }
        }
        self.closed(next)
    }

    /// The position after an array element: either its index is a name of the path, or the path
    /// skips it.
    pub(crate) fn element(&self, place: PatternPosition, index: &str) -> PatternPosition {
        PatternPosition(self.next(place, index).0 | place.0)
    }

    /// Returns whether the path matches.
    pub(crate) fn ends_at(&self, place: PatternPosition) -> bool {
        place.0 & self.matched() != 0
    }

    /// Returns whether a longer path may match.
    pub(crate) fn may_match_below(&self, place: PatternPosition) -> bool {
        place.0 & (self.matched() - 1) != 0
    }

    /// The bit of a matching path.
    pub(super) fn matched(&self) -> u128 {
        1 << self.steps.len()
    }

    /// Adds the steps that follow an empty match of a `**`.
    pub(super) fn closed(&self, mut set: u128) -> PatternPosition {
        for (at, step) in self.steps.iter().enumerate() {
            if *step == PatternStep::AnyNumber && set & (1 << at) != 0 {
                set |= 1 << (at + 1);
            }
        }
        PatternPosition(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_through_arrays_or_names_an_element() {
        for (pattern, hit) in [("a.b", true), ("a.0.b", true), ("a.1.b", false), ("a.*.b", true)] {
            let pattern: Pattern = pattern.parse().unwrap();
            let array = pattern.next(pattern.start(), "a");
            let end = pattern.next(pattern.element(array, "0"), "b");
            assert_eq!(pattern.ends_at(end), hit, "{pattern:?}");
        }
    }
}
