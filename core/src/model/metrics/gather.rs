//! The counts of one process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::scale::{BUCKETS, Scale, Unit};
use super::summary::{Series, Summary};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Appends of a group of commits, until it is durable; lost races too.
    Append,
    /// How many commits were appended together.
    GroupSize,
    /// Lookups of one document; one in sixteen is timed.
    Read,
    /// Lookups of many documents at once.
    ReadMany,
    /// Walks through a collection; how long the reader waited for the store, all in all.
    Materialize,
    /// Reads and writes of refs.
    Refs,
    /// Snapshots that were made.
    Snapshot,
    /// Collections of garbage.
    Gc,
    /// Jobs that workers did, of a backend with a queue.
    Job,
    /// Those of them that bring what was acknowledged to where it stays.
    Sync,
    /// Requests over the network, until they were answered or given up; those that were repeated
    /// each time.
    Request,
    /// Requests over the network that repeated one that had failed.
    Retry,
}

impl Metric {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Metric; 12] = [
        Metric::Append,
        Metric::GroupSize,
        Metric::Read,
        Metric::ReadMany,
        Metric::Materialize,
        Metric::Refs,
        Metric::Snapshot,
        Metric::Gc,
        Metric::Job,
        Metric::Sync,
        Metric::Request,
        Metric::Retry,
    ];

    /// Its name, in a store and for people.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Append => "append",
            Metric::GroupSize => "group_size",
            Metric::Read => "read",
            Metric::ReadMany => "read_many",
            Metric::Materialize => "materialize",
            Metric::Refs => "refs",
            Metric::Snapshot => "snapshot",
            Metric::Gc => "gc",
            Metric::Job => "job",
            Metric::Sync => "sync",
            Metric::Request => "request",
            Metric::Retry => "retry",
        }
    }

    /// What its values are; `None` if it is counted only.
    pub fn unit(self) -> Option<Unit> {
        match self {
            Metric::Retry => None,
            Metric::GroupSize => Some(Unit::Things),
            _ => Some(Unit::Nanoseconds),
        }
    }

    /// The bounds of its histogram; `None` if it is counted only.
    pub fn scale(self) -> Option<Scale> {
        self.unit().map(Scale)
    }
}

/// One in so many reads of a document is timed: two looks at a clock take a twentieth of a read.
const READS_PER_SAMPLE: u64 = 16;

/// What this process did since it was last [taken](Metrics::take). Recording is a few atomic
/// additions, and waits for nothing.
#[derive(Debug, Default)]
pub struct Metrics {
    cells: [Cell; Metric::ALL.len()],
}

#[derive(Debug, Default)]
struct Cell {
    count: AtomicU64,
    sum: AtomicU64,
    max: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl Metrics {
    /// Something happened `count` times.
    pub fn count(&self, metric: Metric, count: u64) {
        self.cell(metric).count.fetch_add(count, Ordering::Relaxed);
    }

    /// Something happened, and took so long.
    pub fn time(&self, metric: Metric, took: Duration) {
        self.count(metric, 1);
        self.sample(metric, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Something happened with so many things.
    pub fn value(&self, metric: Metric, value: u64) {
        self.count(metric, 1);
        self.sample(metric, value);
    }

    /// Counts a read of a document, and says whether it is one that is timed.
    pub(crate) fn begin_read(&self) -> bool {
        let before = self.cell(Metric::Read).count.fetch_add(1, Ordering::Relaxed);
        before.is_multiple_of(READS_PER_SAMPLE)
    }

    /// Adds to the histogram without counting.
    pub(crate) fn sample(&self, metric: Metric, value: u64) {
        let Some(scale) = metric.scale() else { return };
        let cell = self.cell(metric);
        cell.sum.fetch_add(value, Ordering::Relaxed);
        cell.max.fetch_max(value, Ordering::Relaxed);
        cell.buckets[scale.bucket(value)].fetch_add(1, Ordering::Relaxed);
    }

    /// How often something happened since the counts were last taken.
    pub fn counted(&self, metric: Metric) -> u64 {
        self.cell(metric).count.load(Ordering::Relaxed)
    }

    /// What was gathered, which is nothing from then on; it counts as of the minute `minute` since
    /// 1970. What is recorded meanwhile is in this summary or in the next.
    pub fn take(&self, minute: i64) -> Summary {
        let mut summary = Summary::default();
        for metric in Metric::ALL {
            let cell = self.cell(metric);
            let take = |number: &AtomicU64| number.swap(0, Ordering::Relaxed);
            let series = Series {
                count: take(&cell.count),
                sum: take(&cell.sum),
                max: take(&cell.max),
                buckets: cell.buckets.iter().map(take).collect(),
            };
            summary.insert(metric, series, minute);
        }
        summary
    }

    fn cell(&self, metric: Metric) -> &Cell {
        &self.cells[metric as usize]
    }
}
