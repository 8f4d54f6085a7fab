//! What garbage collection leaves of a timeline.

use std::collections::BTreeSet;

use crate::model::Lsn;

/// The states of a timeline that stay readable.
///
/// A state of another timeline that builds on this one at LSN n needs the state at n, so n is one of
/// these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keep {
    /// Every state from this one on; `None` if the timeline takes no more commits and only `points`
    /// are kept.
    pub from: Option<Lsn>,
    /// Single states below that.
    pub points: BTreeSet<Lsn>,
}

impl Keep {
    /// Everything.
    pub fn all() -> Self {
        Self { from: Some(Lsn::ZERO), points: BTreeSet::new() }
    }

    /// Whether the state at `lsn` is kept.
    pub fn contains(&self, lsn: Lsn) -> bool {
        self.from.is_some_and(|from| from <= lsn) || self.points.contains(&lsn)
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.from.is_none() && self.points.is_empty()
    }

    /// Whether a version that was written at `written` and replaced (or deleted) at `replaced` is
    /// read by a state that is kept; `replaced` is `None` for the last version of a document.
    pub fn needs(&self, written: Lsn, replaced: Option<Lsn>) -> bool {
        let read_from = |from: Lsn| replaced.is_none_or(|replaced| from < replaced);
        self.from.is_some_and(read_from)
            || self.points.range(written..).next().is_some_and(|point| read_from(*point))
    }
}

/// What a backend freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freed {
    /// Images of documents that were removed.
    pub versions: u64,
    /// Commits whose headers were removed.
    pub commits: u64,
    /// Chunks of snapshots that were removed.
    pub chunks: u64,
    /// The bytes that they took, as far as the backend knows: of documents, headers and chunks as they
    /// are stored. The engine may give them back to the disk only later (`argon compact`).
    pub bytes: u64,
}

impl std::ops::AddAssign for Freed {
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

    fn keep(from: Option<u64>, points: &[u64]) -> Keep {
        Keep { from: from.map(Lsn::new), points: points.iter().copied().map(Lsn::new).collect() }
    }

    fn needs(keep: &Keep, written: u64, replaced: Option<u64>) -> bool {
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
}
