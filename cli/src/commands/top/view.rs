//! What samples come to.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use argon_core::metrics::Metric;
use argon_core::model::{BranchName, Lsn, ProjectName};
use bson::DateTime;

use super::sample::{Branch, Sample};
use crate::exit::Failure;

/// How many samples the trend of commits goes back.
const TREND: usize = 300;

/// What is shown.
pub(super) struct View {
    interval: Duration,
    paused: bool,
    /// How many branches are scrolled past.
    scrolled: usize,
    now: DateTime,
    sample: Option<Sample>,
    /// Why the last look failed; `None` if it did not.
    missed: Option<String>,
    /// The branches, the most active first.
    branches: Vec<Activity>,
    /// Commits a second at each look, the newest last.
    trend: VecDeque<f64>,
}

/// A branch, and what goes on there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Activity {
    pub(super) branch: Branch,
    /// Commits a second since the look before.
    pub(super) rate: f64,
}

impl View {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            paused: false,
            scrolled: 0,
            now: DateTime::from_millis(0),
            sample: None,
            missed: None,
            branches: Vec::new(),
            trend: VecDeque::new(),
        }
    }

    /// Takes a new sample in place of the last one.
    pub(super) fn add(&mut self, sample: Sample) {
        if let Some(before) = &self.sample {
            let passed = sample.at.saturating_duration_since(before.at).as_secs_f64();
            self.branches = activity(&before.branches, &sample.branches, passed);
            self.trend.push_back(self.branches.iter().map(|branch| branch.rate).sum());
            if self.trend.len() > TREND {
                self.trend.pop_front();
            }
        } else {
            self.branches = activity(&[], &sample.branches, 0.0);
        }
        self.now = sample.at;
        self.missed = None;
        self.sample = Some(sample);
        self.scroll(0);
    }

    /// Takes note of a look that failed: the last sample stays.
    pub(super) fn missed(&mut self, failure: &Failure) {
        self.missed = Some(match failure {
            Failure::Error { error, .. } => error.to_string(),
            other => format!("{other:?}"),
        });
    }

    pub(super) fn set_now(&mut self, now: DateTime) {
        self.now = now;
    }

    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn pause(&mut self) {
        self.paused = !self.paused;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Scrolls down by `lines` branches; up if negative.
    pub(super) fn scroll(&mut self, lines: isize) {
        let last = self.branches.len().saturating_sub(1);
        self.scrolled = self.scrolled.saturating_add_signed(lines).min(last);
    }

    pub(super) fn now(&self) -> DateTime {
        self.now
    }

    /// What was read last.
    pub(super) fn sample(&self) -> Option<&Sample> {
        self.sample.as_ref()
    }

    /// Why the last look failed.
    pub(super) fn why_missed(&self) -> Option<&str> {
        self.missed.as_deref()
    }

    /// The branches from the first that is shown, and how many are above it.
    pub(super) fn branches(&self) -> (&[Activity], usize) {
        (&self.branches[self.scrolled.min(self.branches.len())..], self.scrolled)
    }

    /// Commits a second at each look.
    pub(super) fn trend(&self) -> impl DoubleEndedIterator<Item = f64> + ExactSizeIterator {
        self.trend.iter().copied()
    }

    /// How often a metric happened in each of the last minutes, the newest last.
    pub(super) fn by_minute(&self, metric: Metric, minutes: i64) -> Vec<u64> {
        let Some(sample) = &self.sample else { return Vec::new() };
        let now = self.now.timestamp_millis().div_euclid(60_000);
        let at = |ago| sample.summary.recent(metric, now - ago, 1);
        (0..minutes).rev().map(at).collect()
    }
}

/// The branches with their rates, the most active first: those with commits since the look before by
/// their rate, the others by their last commit.
fn activity(before: &[Branch], now: &[Branch], passed: f64) -> Vec<Activity> {
    let before: HashMap<(&ProjectName, &BranchName), Lsn> =
        before.iter().map(|branch| ((&branch.project, &branch.name), branch.head)).collect();
    let rate = |branch: &Branch| {
        let Some(head) = before.get(&(&branch.project, &branch.name)) else { return 0.0 };
        // A branch that was reset has a lower head: that is no commit.
        let commits = branch.head.get().saturating_sub(head.get());
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let commits = commits as f64;
        if passed > 0.0 { commits / passed } else { 0.0 }
    };
    let mut all: Vec<Activity> =
        now.iter().map(|branch| Activity { branch: branch.clone(), rate: rate(branch) }).collect();
    all.sort_by(|left, right| {
        let order = right.rate.total_cmp(&left.rate);
        order.then_with(|| right.branch.last.cmp(&left.branch.last))
    });
    all
}
