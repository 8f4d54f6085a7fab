//! Binary search for the commit that introduced a change.
//!
//! [`Bisect`] is only the search: it returns the next state to test, and the caller reports the
//! verdict. No state is copied.

use std::collections::BTreeSet;

use crate::model::Lsn;
use crate::store::State;
use crate::{Error, Result};

/// The verdict on a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Before the commit that is searched for.
    Good,
    /// At or after it.
    Bad,
    /// Undecidable for this state.
    Skip,
}

/// The next step of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Test this state.
    Try(Lsn),
    /// This commit is the first bad one.
    Found(Lsn),
    /// The commit is after the first of these, up to the second; the states between were skipped.
    Among(Lsn, Lsn),
}

/// A search between a good state and a later bad one of the same history.
#[derive(Debug, Clone)]
pub struct Bisect {
    good: Lsn,
    bad: Lsn,
    skipped: BTreeSet<Lsn>,
}

impl Bisect {
    /// Starts a search between two states, of which the first must be in the history of the second.
    /// The caller must check first that they are good and bad.
    ///
    /// ```
    /// # use bson::rawdoc;
    /// # use argon_core::bisect::{Bisect, Step, Verdict};
    /// # use argon_core::model::{CollectionName, Lsn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> argon_core::Result<()> {
    /// let branch = argon_backends::memory_branch().await?;
    /// let users = branch.collection(&CollectionName::new("users")?);
    /// for id in 1..=8 {
    ///     users.insert(rawdoc! { "_id": id }).await?;
    /// }
    /// let mut search = Bisect::between(&branch.at(Lsn::ZERO).await?, &branch.head().await?)?;
    /// while let Step::Try(lsn) = search.step() {
    ///     let count = branch.at(lsn).await?.collection(users.name())?.count().await?;
    ///     search.tell(lsn, if count < 6 { Verdict::Good } else { Verdict::Bad });
    /// }
    /// assert_eq!(search.step(), Step::Found(Lsn::new(6)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` if the good state is not before the bad one in the same history.
    pub fn between(good: &State, bad: &State) -> Result<Self> {
        let (from, to) = (good.lsn(), bad.lsn());
        let common = good.view().common_lsn(bad.view());
        if common != from {
            return Err(Error::invalid(format!(
                "the good state, at LSN {from}, is not in the history of the bad one; both share \
                 the history up to LSN {common}, which is the last state that can be good for both"
            )));
        }
        if from >= to {
            return Err(Error::invalid(format!(
                "the good state, at LSN {from}, is not before the bad one, at LSN {to}; to search \
                 for a removal, swap good and bad in the test"
            )));
        }
        Ok(Self { good: from, bad: to, skipped: BTreeSet::new() })
    }

    /// Returns the next step: the unskipped state nearest to the middle. Takes about log2 of the
    /// number of commits, plus the skipped states.
    pub fn step(&self) -> Step {
        let (good, bad) = (self.good.get(), self.bad.get());
        let middle = good + (bad - good) / 2;
        let near = (0..bad - good).flat_map(|away| [middle.saturating_sub(away), middle + away]);
        let inside = |lsn: &u64| good < *lsn && *lsn < bad;
        let untold = |lsn: &u64| !self.skipped.contains(&Lsn::new(*lsn));
        match near.filter(inside).find(untold) {
            Some(lsn) => Step::Try(Lsn::new(lsn)),
            None if bad - good == 1 => Step::Found(self.bad),
            None => Step::Among(self.good, self.bad),
        }
    }

    /// Records the verdict on a state.
    pub fn tell(&mut self, lsn: Lsn, verdict: Verdict) {
        match verdict {
            Verdict::Good => self.good = self.good.max(lsn),
            Verdict::Bad => self.bad = self.bad.min(lsn),
            Verdict::Skip => {
                self.skipped.insert(lsn);
            }
        }
    }

    /// The last state known to be good, and the first known to be bad.
    pub fn bounds(&self) -> (Lsn, Lsn) {
        (self.good, self.bad)
    }

    /// The approximate number of states still to test.
    pub fn left(&self) -> u32 {
        let between = self.bad.get() - self.good.get() - 1;
        u64::BITS - between.leading_zeros()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(good: u64, bad: u64) -> Bisect {
        Bisect { good: Lsn::new(good), bad: Lsn::new(bad), skipped: BTreeSet::new() }
    }

    #[test]
    fn every_commit_is_found_in_as_many_steps_as_its_number_has_binary_digits() {
        for first_bad in 1..=100 {
            let mut search = search(0, 100);
            let mut steps = 0;
            while let Step::Try(lsn) = search.step() {
                let bad = lsn.get() >= first_bad;
                search.tell(lsn, if bad { Verdict::Bad } else { Verdict::Good });
                steps += 1;
            }
            assert_eq!(search.step(), Step::Found(Lsn::new(first_bad)));
            assert!(steps <= 7, "{steps} steps");
        }
    }

    #[test]
    fn states_that_are_skipped_are_gone_around() {
        for first_bad in 1..=30 {
            for skipped in 1..30 {
                let mut search = search(0, 30);
                while let Step::Try(lsn) = search.step() {
                    search.tell(
                        lsn,
                        match lsn.get() {
                            lsn if lsn == skipped => Verdict::Skip,
                            lsn if lsn >= first_bad => Verdict::Bad,
                            _ => Verdict::Good,
                        },
                    );
                }
                let expected = if first_bad == skipped || first_bad == skipped + 1 {
                    Step::Among(Lsn::new(skipped - 1), Lsn::new(skipped + 1))
                } else {
                    Step::Found(Lsn::new(first_bad))
                };
                assert_eq!(search.step(), expected, "{first_bad}, {skipped} skipped");
            }
        }
    }

    #[test]
    fn if_all_between_are_skipped_the_range_is_told() {
        let mut search = search(3, 9);
        let mut tried = Vec::new();
        while let Step::Try(lsn) = search.step() {
            tried.push(lsn.get());
            search.tell(lsn, Verdict::Skip);
        }
        tried.sort_unstable();
        assert_eq!(tried, [4, 5, 6, 7, 8]);
        assert_eq!(search.step(), Step::Among(Lsn::new(3), Lsn::new(9)));
    }
}
