//! Positions in a log.

use std::fmt;

/// The position of a commit on its chain, dense from 1; [`Lsn::ZERO`] is the state before the
/// first commit.
///
/// A timeline forked at LSN n continues with n + 1, so an LSN counts the commits from the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(u64);

impl Lsn {
    /// The empty state, before any commit.
    pub const ZERO: Lsn = Lsn(0);

    /// The last position that every layout can store: 2^48 - 1.
    pub const MAX: Lsn = Lsn((1 << 48) - 1);

    /// The position with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Decodes a position in a record. An invalid one, which only damage can cause, becomes
    /// [`Lsn::MAX`], which no log reaches.
    pub(crate) fn from_stored(number: i64) -> Self {
        u64::try_from(number).map_or(Self::MAX, |number| Self(number).min(Self::MAX))
    }

    /// The number of this position.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one. No log reaches the end of the range.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The position `count` commits before this one, or `None` before [`Lsn::ZERO`].
    pub fn back(self, count: u64) -> Option<Self> {
        self.0.checked_sub(count).map(Self)
    }
}

impl From<u64> for Lsn {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_position_that_can_not_be_is_one_that_no_log_reaches() {
        assert_eq!(Lsn::from_stored(0), Lsn::ZERO);
        assert_eq!(Lsn::from_stored(7), Lsn::new(7));
        for damaged in [-1, i64::MIN, 1 << 48, i64::MAX] {
            assert_eq!(Lsn::from_stored(damaged), Lsn::MAX);
        }
        assert!(Lsn::new(u64::MAX).next() >= Lsn::new(u64::MAX), "it does not wrap");
    }
}
