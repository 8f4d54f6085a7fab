//! The states of a timeline that garbage collection retains, and the space that they take.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Lsn;

/// The states of a timeline that stay readable.
///
/// A state of another timeline that builds on this one at LSN n needs the state at n, so n is one
/// of these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetainedStates {
    /// The first of the states that are all retained; `None` if the timeline takes no more commits
    /// and only `points` are retained.
    pub from: Option<Lsn>,
    /// Single retained states below that.
    pub points: BTreeSet<Lsn>,
}

impl RetainedStates {
    /// Retains all states.
    pub fn all() -> Self {
        Self { from: Some(Lsn::ZERO), points: BTreeSet::new() }
    }

    /// Returns whether the state at `lsn` is retained.
    pub fn contains(&self, lsn: Lsn) -> bool {
        self.from.is_some_and(|from| from <= lsn) || self.points.contains(&lsn)
    }

    /// Returns whether all states that `other` retains are retained.
    pub fn covers(&self, other: &Self) -> bool {
        let window = other.from.is_none_or(|theirs| self.from.is_some_and(|from| from <= theirs));
        window && other.points.iter().all(|point| self.contains(*point))
    }

    /// Returns the states that both retain.
    pub fn intersection(&self, other: &Self) -> Self {
        let from = self.from.zip(other.from).map(|(mine, theirs)| mine.max(theirs));
        let both = |point: &Lsn| self.contains(*point) && other.contains(*point);
        // Where one retains every state and the other single states, both retain the single states.
        let points = self.points.union(&other.points).copied().filter(both);
        Self {
            from,
            points: points.filter(|point| from.is_none_or(|from| *point < from)).collect(),
        }
    }

    /// Returns the states that either retains.
    pub fn union(&self, other: &Self) -> Self {
        let from = match (self.from, other.from) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        let points = self.points.union(&other.points).copied();
        Self {
            from,
            points: points.filter(|point| from.is_none_or(|from| *point < from)).collect(),
        }
    }

    /// Returns whether no state is retained.
    pub fn is_empty(&self) -> bool {
        self.from.is_none() && self.points.is_empty()
    }

    /// Returns whether a retained state reads a version that was written at `written` and replaced
    /// (or deleted) at `replaced`; `replaced` is `None` for the last version of a document.
    pub fn needs(&self, written: Lsn, replaced: Option<Lsn>) -> bool {
        let read_from = |from: Lsn| replaced.is_none_or(|replaced| from < replaced);
        self.from.is_some_and(read_from)
            || self.points.range(written..).next().is_some_and(|point| read_from(*point))
    }
}

/// The bytes of a timeline's versions and headers, by the retained states that need them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// The bytes that the last state needs, and no state below [`RetainedStates::from`].
    pub head: u64,
    /// The bytes that only states from [`RetainedStates::from`] on need, except the last one: the
    /// recent history, with the headers of commits.
    pub window: u64,
    /// The bytes that only one state below that needs, by state; states without any are omitted.
    pub points: BTreeMap<Lsn, u64>,
    /// The bytes that several of these states need, or whose states are unknown.
    pub shared: u64,
    /// The bytes that no retained state needs.
    pub free: u64,
}

impl Usage {
    /// Counts a version; `written` and `replaced` are those of [`RetainedStates::needs`].
    pub fn add(&mut self, keep: &RetainedStates, written: Lsn, replaced: Option<Lsn>, bytes: u64) {
        let reads = |point: Lsn| replaced.is_none_or(|replaced| point < replaced);
        let window = keep.from.is_some_and(reads);
        // A point from `from` on belongs to the window.
        let below = |point: &Lsn| keep.from.is_none_or(|from| *point < from);
        let mut points =
            keep.points.range(written..).copied().filter(below).take_while(|p| reads(*p));
        match (window, points.next(), points.next()) {
            (false, None, _) => self.free += bytes,
            (true, None, _) if replaced.is_none() => self.head += bytes,
            (true, None, _) => self.window += bytes,
            (false, Some(point), None) => *self.points.entry(point).or_default() += bytes,
            _ => self.shared += bytes,
        }
    }

    /// Returns the sum of all bytes.
    pub fn total(&self) -> u64 {
        self.head + self.window + self.points.values().sum::<u64>() + self.shared + self.free
    }
}

/// The data that a backend removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Removed images of documents.
    pub versions: u64,
    /// Removed headers of commits.
    pub commits: u64,
    /// Removed chunks of snapshots.
    pub chunks: u64,
    /// The stored bytes of these documents, headers and chunks, as far as the backend knows. The
    /// engine may return them to the disk later, at
    /// [`Maintenance::compact`](crate::storage::Maintenance::compact).
    pub bytes: u64,
}

impl std::ops::AddAssign for Reclaimed {
    fn add_assign(&mut self, other: Self) {
        self.versions += other.versions;
        self.commits += other.commits;
        self.chunks += other.chunks;
        self.bytes += other.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(from: Option<u64>, points: &[u64]) -> RetainedStates {
        RetainedStates {
            from: from.map(Lsn::new),
            points: points.iter().copied().map(Lsn::new).collect(),
        }
    }

    fn needs(keep: &RetainedStates, written: u64, replaced: Option<u64>) -> bool {
        keep.needs(Lsn::new(written), replaced.map(Lsn::new))
    }

    #[test]
    fn a_version_is_needed_by_the_states_from_its_commit_to_the_one_before_the_next() {
        let kept = keep(Some(10), &[3, 6]);
        for (written, replaced, expected) in [
            (1, Some(3), false),
            (1, Some(4), true),
            (3, Some(4), true),
            (4, Some(6), false),
            (6, Some(7), true),
            (7, Some(10), false),
            (7, Some(11), true),
            (7, None, true),
            (12, Some(13), true),
        ] {
            assert_eq!(needs(&kept, written, replaced), expected, "{written} to {replaced:?}");
        }
    }

    #[test]
    fn nothing_above_the_last_point_is_needed_of_a_timeline_that_has_ended() {
        let kept = keep(None, &[5]);
        assert!(needs(&kept, 5, None) && needs(&kept, 2, Some(6)));
        assert!(!needs(&kept, 6, None) && !needs(&kept, 2, Some(5)));
        assert!(keep(None, &[]).is_empty() && !kept.is_empty());
        assert!(kept.contains(Lsn::new(5)) && !kept.contains(Lsn::new(6)));
    }

    #[test]
    fn what_two_keep_together_and_in_common_is_what_each_keeps_of_every_state() {
        let all = [
            keep(None, &[]),
            keep(Some(0), &[]),
            keep(Some(5), &[]),
            keep(Some(5), &[2, 3]),
            keep(Some(7), &[3, 5, 6]),
            keep(None, &[3, 8]),
        ];
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            let (both, either) = (a.intersection(b), a.union(b));
            for lsn in (0..12).map(Lsn::new) {
                assert_eq!(both.contains(lsn), a.contains(lsn) && b.contains(lsn), "{a:?} {b:?}");
                assert_eq!(either.contains(lsn), a.contains(lsn) || b.contains(lsn), "{a:?} {b:?}");
            }
            assert_eq!(a.covers(b), b == &both, "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_version_weighs_on_the_one_state_that_needs_it_or_on_all_that_share_it() {
        let kept = keep(Some(10), &[3, 6]);
        let mut usage = Usage::default();
        for (written, replaced, bytes) in [
            (1, Some(3), 1),
            (1, Some(4), 2),
            (4, Some(7), 4),
            (2, Some(7), 8),
            (5, None, 16),
            (7, None, 32),
            (12, Some(13), 64),
        ] {
            usage.add(&kept, Lsn::new(written), replaced.map(Lsn::new), bytes);
        }
        let points = BTreeMap::from([(Lsn::new(3), 2), (Lsn::new(6), 4)]);
        assert_eq!(usage, Usage { head: 32, window: 64, points, shared: 8 + 16, free: 1 });
        assert_eq!(usage.total(), 127);
    }
}
