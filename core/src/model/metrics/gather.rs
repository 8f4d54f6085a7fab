//! The counters of one process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use super::scale::{BUCKETS, Scale, Unit};
use super::summary::{Series, Summary};

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Appends of a group of commits, until durable; including lost races.
    Append,
    /// The number of commits in an append.
    GroupSize,
    /// Lookups of one document; one in sixteen is timed.
    Read,
    /// Lookups of many documents at once.
    ReadMany,
    /// Scans of a collection; the total time that the reader waited for the store.
    Materialize,
    /// Reads and writes of refs.
    Refs,
    /// Created snapshots.
    Snapshot,
    /// Garbage collections.
    Gc,
    /// Jobs of workers, on a backend with a queue.
    Job,
    /// Those jobs that move acknowledged data to its final place.
    Sync,
    /// Requests over the network, until answered or given up; retried ones count each time.
    Request,
    /// Retries of failed requests over the network.
    Retry,
    /// Commands of a server's clients, of which the counts are kept [by command](Metrics::command) too.
    Command,
    /// Those that failed.
    CommandError,
}

impl Metric {
    /// All metrics, in the order in which they are shown.
    pub const ALL: [Metric; 14] = [
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
        Metric::Command,
        Metric::CommandError,
    ];

    /// The name, in a store and for people.
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
            Metric::Command => "command",
            Metric::CommandError => "command_error",
        }
    }

    /// The unit of the values; `None` for a mere counter.
    pub fn unit(self) -> Option<Unit> {
        match self {
            Metric::Retry | Metric::CommandError => None,
            Metric::GroupSize => Some(Unit::Things),
            _ => Some(Unit::Nanoseconds),
        }
    }

    /// The bounds of the histogram; `None` for a mere counter.
    pub fn scale(self) -> Option<Scale> {
        self.unit().map(Scale)
    }
}

/// One of N reads of a document is timed, because reading the clock twice takes a twentieth of a
/// read.
const READS_PER_SAMPLE: u64 = 16;

/// The counts since they were last [taken](Metrics::take). Recording is a few atomic additions, and
/// never waits.
#[derive(Debug, Default)]
pub struct Metrics {
    cells: [Cell; Metric::ALL.len()],
    commands: RwLock<BTreeMap<&'static str, CommandCells>>,
}

/// The counts of one command of a server.
#[derive(Debug, Default)]
struct CommandCells {
    all: Cell,
    failed: Cell,
}

#[derive(Debug, Default)]
struct Cell {
    count: AtomicU64,
    sum: AtomicU64,
    max: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl Metrics {
    /// Counts `count` events.
    pub fn count(&self, metric: Metric, count: u64) {
        self.cell(metric).count(count);
    }

    /// Counts an event with its duration.
    pub fn time(&self, metric: Metric, took: Duration) {
        self.count(metric, 1);
        self.sample(metric, nanos(took));
    }

    /// Counts a command of a server's client, whose name is of a bounded number.
    pub fn command(&self, name: &'static str, took: Duration, is_error: bool) {
        self.time(Metric::Command, took);
        self.count(Metric::CommandError, is_error.into());
        let add = |cells: &CommandCells| {
            cells.all.count(1);
            cells.all.sample(Metric::Command, nanos(took));
            cells.failed.count(is_error.into());
        };
        let known = self.commands.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cells) = known.get(name) {
            return add(cells);
        }
        drop(known);
        let mut known = self.commands.write().unwrap_or_else(PoisonError::into_inner);
        add(known.entry(name).or_default());
    }

    /// Counts an event with a value.
    pub fn value(&self, metric: Metric, value: u64) {
        self.count(metric, 1);
        self.sample(metric, value);
    }

    /// Counts a read of a document, and returns whether to time it.
    pub(crate) fn begin_read(&self) -> bool {
        let before = self.cell(Metric::Read).count.fetch_add(1, Ordering::Relaxed);
        before.is_multiple_of(READS_PER_SAMPLE)
    }

    /// Adds to the histogram without counting.
    pub(crate) fn sample(&self, metric: Metric, value: u64) {
        self.cell(metric).sample(metric, value);
    }

    /// The number of events since the counts were last taken.
    pub fn counted(&self, metric: Metric) -> u64 {
        self.cell(metric).count.load(Ordering::Relaxed)
    }

    /// Takes the counts and resets them; they are assigned to the minute `minute` since
    /// 1970. Concurrent events are in this summary or in the next.
    pub fn take(&self, minute: i64) -> Summary {
        let mut summary = Summary::default();
        for metric in Metric::ALL {
            summary.insert(metric, None, self.cell(metric).take(), minute);
        }
        let commands = self.commands.read().unwrap_or_else(PoisonError::into_inner);
        for (name, CommandCells { all, failed }) in &*commands {
            summary.insert(Metric::Command, Some(name), all.take(), minute);
            summary.insert(Metric::CommandError, Some(name), failed.take(), minute);
        }
        summary
    }

    fn cell(&self, metric: Metric) -> &Cell {
        &self.cells[metric as usize]
    }
}

impl Cell {
    fn count(&self, count: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
    }

    /// Adds to the histogram.
    fn sample(&self, metric: Metric, value: u64) {
        let Some(scale) = metric.scale() else { return };
        self.sum.fetch_add(value, Ordering::Relaxed);
        self.max.fetch_max(value, Ordering::Relaxed);
        self.buckets[scale.bucket(value)].fetch_add(1, Ordering::Relaxed);
    }

    fn take(&self) -> Series {
        let take = |number: &AtomicU64| number.swap(0, Ordering::Relaxed);
        Series {
            count: take(&self.count),
            sum: take(&self.sum),
            max: take(&self.max),
            buckets: self.buckets.iter().map(take).collect(),
        }
    }
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
