//! Which commits of a timeline a walk reads next, for backends that read the log in steps.

use std::ops::RangeInclusive;

use crate::model::{Lsn, TimelineId};
use crate::storage::{Direction, TimelineState};
use crate::{DetailKey, Error, Result};

/// How many commits the first step reads (a reader often wants no more), and every later one.
const FIRST_STEP: u64 = 16;
const STEP: u64 = 512;

/// The positions that a walk over the commits of a timeline has yet to read. It knows what
/// [`Wal::read`](crate::storage::Wal::read) promises about ranges, gaps and pruning; the backend
/// reads the rows, blocking or not.
///
/// A step: [`clip`](Self::clip) to the present timeline, read the commits of
/// [`next_step`](Self::next_step) or the first part of them, and [`pass`](Self::pass) each. After a
/// failed step, [`clip`](Self::clip) a clone from before it: if that has less left, commits were
/// pruned meanwhile, and the step is repeated with the clone.
#[derive(Debug, Clone)]
pub struct LogWalk {
    timeline: TimelineId,
    /// What is left, both ends included; nothing when `low > high`.
    low: u64,
    high: u64,
    direction: Direction,
    step: u64,
}

impl LogWalk {
    /// A walk over the commits of `timeline` in `range`.
    pub fn new(timeline: TimelineId, range: &RangeInclusive<Lsn>, direction: Direction) -> Self {
        let (low, high) = (range.start().get().max(1), range.end().get());
        Self { timeline, low, high, direction, step: FIRST_STEP }
    }

    /// The timeline.
    pub fn timeline(&self) -> TimelineId {
        self.timeline
    }

    /// Which way it goes.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.low > self.high
    }

    /// Leaves out positions that the timeline does not have, or not any more; all of them if it does
    /// not exist. Returns whether any were left out.
    pub fn clip(&mut self, state: Option<&TimelineState>) -> bool {
        let before = (self.low, self.high);
        (self.low, self.high) = match state {
            Some(state) => {
                (self.low.max(state.floor.get() + 1), self.high.min(state.head.lsn.get()))
            }
            None => (1, 0),
        };
        before.0 <= before.1 && before != (self.low, self.high)
    }

    /// The positions of the next step; `None` at the end.
    pub fn next_step(&mut self) -> Option<RangeInclusive<Lsn>> {
        if self.is_done() {
            return None;
        }
        let more = std::mem::replace(&mut self.step, STEP) - 1;
        let (first, last) = match self.direction {
            Direction::Ascending => (self.low, self.high.min(self.low.saturating_add(more))),
            Direction::Descending => (self.low.max(self.high.saturating_sub(more)), self.high),
        };
        Some(Lsn::new(first)..=Lsn::new(last))
    }

    /// Notes that the next commit that was read is the one at `lsn`; `None` if no more were read.
    ///
    /// # Errors
    /// `Corrupt` if the log has a gap there.
    pub fn pass(&mut self, lsn: Option<Lsn>) -> Result<()> {
        let expected = match self.direction {
            Direction::Ascending => self.low,
            Direction::Descending => self.high,
        };
        if lsn.map(Lsn::get) != Some(expected) {
            return Err(missing(Lsn::new(expected)));
        }
        match self.direction {
            Direction::Ascending => self.low += 1,
            Direction::Descending => self.high -= 1,
        }
        Ok(())
    }
}

/// The error about a commit that the log lacks.
pub(super) fn missing(lsn: Lsn) -> Error {
    Error::corrupt(format!("commit {lsn} is missing from the log"))
        .with_detail(DetailKey::Lsn, lsn.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::model::{Head, Timeline};

    fn state(floor: u64, head: u64) -> TimelineState {
        let timeline = Timeline { id: TimelineId::from_bytes([1; 16]), base: None };
        let head = Head { lsn: Lsn::new(head), ..Head::EMPTY };
        TimelineState { timeline, head, sealed: false, floor: Lsn::new(floor) }
    }

    fn walk(from: u64, to: u64, direction: Direction) -> LogWalk {
        let range = Lsn::new(from)..=Lsn::new(to);
        LogWalk::new(TimelineId::from_bytes([1; 16]), &range, direction)
    }

    /// The first and last position of each step of a walk that reads all of them.
    fn steps(mut walk: LogWalk) -> Vec<(u64, u64)> {
        let mut steps = Vec::new();
        while let Some(range) = walk.next_step() {
            let (first, last) = (range.start().get(), range.end().get());
            steps.push((first, last));
            for at in 0..=last - first {
                let lsn = match walk.direction() {
                    Direction::Ascending => first + at,
                    Direction::Descending => last - at,
                };
                walk.pass(Some(Lsn::new(lsn))).unwrap();
            }
        }
        steps
    }

    #[test]
    fn a_walk_reads_what_the_timeline_has_in_steps_from_either_end() {
        let clipped = |direction| {
            let mut walk = walk(0, Lsn::MAX.get(), direction);
            assert!(walk.clip(Some(&state(10, 600))));
            assert!(!walk.clip(Some(&state(10, 900))), "what is added later is not read");
            walk
        };
        assert_eq!(steps(clipped(Direction::Ascending)), [(11, 26), (27, 538), (539, 600)]);
        assert_eq!(steps(clipped(Direction::Descending)), [(585, 600), (73, 584), (11, 72)]);
        assert_eq!(steps(walk(5, 4, Direction::Ascending)), []);
        assert_eq!(steps(walk(7, 7, Direction::Descending)), [(7, 7)]);
    }

    #[test]
    fn a_gap_is_an_error_that_names_the_commit() {
        for (direction, missing) in [(Direction::Ascending, 3), (Direction::Descending, 9)] {
            for found in [None, Some(Lsn::new(5))] {
                let error = walk(3, 9, direction).pass(found).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                assert!(error.to_string().contains(&format!("commit {missing} is missing")));
            }
        }
    }

    #[test]
    fn commits_that_were_pruned_or_dropped_meanwhile_are_left_out() {
        let mut walk = walk(3, 9, Direction::Ascending);
        assert!(!walk.clip(Some(&state(2, 9))));
        assert!(walk.clip(Some(&state(5, 9))));
        assert_eq!(walk.next_step(), Some(Lsn::new(6)..=Lsn::new(9)));
        assert!(walk.clip(None));
        assert!(walk.is_done() && !walk.clip(None));
    }
}
