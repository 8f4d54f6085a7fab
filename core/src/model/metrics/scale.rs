//! The fixed bounds of histograms: the same in every process, so that counts add up.

/// The number of buckets of a histogram: one for each bound, and one above the last.
pub(super) const BUCKETS: usize = 26;

/// The unit of the values of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Durations, in nanoseconds.
    Nanoseconds,
    /// Numbers of things.
    Things,
}

/// The upper bounds of the buckets of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale(pub(super) Unit);

impl Scale {
    /// The bounds, ascending: 1, 2 and 5 microseconds and so on to 100 seconds, or the powers of
    /// two from 1. A value belongs to the first bound that it does not exceed.
    pub fn bounds(self) -> [u64; BUCKETS - 1] {
        std::array::from_fn(|index| self.bound(index))
    }

    fn bound(self, index: usize) -> u64 {
        match self.0 {
            Unit::Things => 1 << index,
            Unit::Nanoseconds => {
                let decade = 10_u64.pow(u32::try_from(index / 3).unwrap_or(0));
                1000 * decade * [1, 2, 5][index % 3]
            }
        }
    }

    pub(super) fn bucket(self, value: u64) -> usize {
        self.bounds().partition_point(|bound| *bound < value)
    }
}
