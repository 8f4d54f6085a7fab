//! Stored counts, and statistics on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gather::Metric;

/// The number of minutes for which counts are kept per minute.
const MINUTES: i64 = 60;

/// The counts of one metric.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The number of events.
    pub count: u64,
    /// The sum of the measured values, which are all or a sample.
    pub sum: u64,
    /// The maximum of the measured values.
    pub max: u64,
    /// The number of measured values in each bucket of the metric's [scale](Metric::scale), and
    /// above it.
    pub buckets: Vec<u64>,
}

impl Series {
    /// An upper bound of this share (0 to 1) of the measured values: that of a bucket, or the
    /// maximum if it is lower. `None` if nothing was measured.
    pub fn quantile(&self, metric: Metric, share: f64) -> Option<u64> {
        let measured = self.buckets.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let scale = metric.scale().filter(|_| measured > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as above")]
        let rank = ((measured as f64 * share).ceil() as u64).max(1);
        let mut below = 0_u64;
        let bucket = self.buckets.iter().position(|count| {
            below = below.saturating_add(*count);
            below >= rank
        })?;
        Some(scale.bounds().get(bucket).map_or(self.max, |bound| (*bound).min(self.max)))
    }

    fn add(&mut self, other: &Series) {
        self.count = self.count.saturating_add(other.count);
        // The maximum that a record can store.
        self.sum = self.sum.saturating_add(other.sum).min(i64::MAX.unsigned_abs());
        self.max = self.max.max(other.max);
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine = mine.saturating_add(*theirs);
        }
    }
}

/// The counts of one process or the sum of many. Addition is commutative and associative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// By the name of the metric, such as `append`, or `command{find}` for that of one command. A newer version may
    /// have more metrics than this one.
    series: BTreeMap<String, Series>,
    /// The number of events by the minute since 1970, in decimal digits, and the name of the
    /// metric.
    minutes: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Summary {
    pub(super) fn insert(
        &mut self,
        metric: Metric,
        command: Option<&str>,
        series: Series,
        minute: i64,
    ) {
        if series == (Series { buckets: vec![0; series.buckets.len()], ..Series::default() }) {
            return;
        }
        let counts = self.minutes.entry(minute.to_string()).or_default();
        let name = name_of(metric, command);
        counts.insert(name.clone(), series.count);
        self.series.insert(name, series);
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The counts of a metric; `None` without events.
    pub fn get(&self, metric: Metric) -> Option<&Series> {
        self.series.get(metric.name())
    }

    /// The counts of a metric of commands, by the name of the command.
    pub fn by_command(&self, metric: Metric) -> impl Iterator<Item = (&str, &Series)> {
        self.series.iter().filter_map(move |(name, series)| {
            let command = name.strip_prefix(metric.name())?.strip_prefix('{')?.strip_suffix('}')?;
            Some((command, series))
        })
    }

    /// The number of events of a metric in the `last` minutes (60 at most) up to and including the
    /// minute `now`.
    pub fn recent(&self, metric: Metric, now: i64, last: i64) -> u64 {
        self.recent_of(metric, None, now, last)
    }

    /// The same of one command.
    pub fn recent_of(&self, metric: Metric, command: Option<&str>, now: i64, last: i64) -> u64 {
        let name = name_of(metric, command);
        let within = |minute: &str| {
            minute
                .parse::<i64>()
                .is_ok_and(|minute| (0..last).contains(&now.saturating_sub(minute)))
        };
        let counts = self.minutes.iter().filter(|(minute, _)| within(minute));
        let counts = counts.filter_map(|(_, counts)| counts.get(&name));
        counts.fold(0, |sum, count| count.saturating_add(sum))
    }

    /// Adds the counts of another process. Of the minutes, the newest sixty are kept.
    pub fn add(&mut self, other: &Summary) {
        for (name, series) in &other.series {
            self.series.entry(name.clone()).or_default().add(series);
        }
        for (minute, counts) in &other.minutes {
            let mine = self.minutes.entry(minute.clone()).or_default();
            for (name, count) in counts {
                let count = mine.get(name).copied().unwrap_or(0).saturating_add(*count);
                mine.insert(name.clone(), count);
            }
        }
        let number = |minute: &String| minute.parse::<i64>().unwrap_or(i64::MIN);
        let newest = self.minutes.keys().map(number).max().unwrap_or(0);
        self.minutes.retain(|minute, _| number(minute) > newest.saturating_sub(MINUTES));
    }
}

fn name_of(metric: Metric, command: Option<&str>) -> String {
    let name = metric.name();
    command.map_or_else(|| name.to_owned(), |command| format!("{name}{{{command}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_any_size_are_told_and_added() {
        let most = u64::MAX;
        let series = Series { count: most, sum: most, max: most, buckets: vec![most; 40] };
        let mut summary = Summary::default();
        for minute in [i64::MIN, 0, i64::MAX] {
            summary.insert(Metric::Append, None, series.clone(), minute);
        }
        summary.add(&summary.clone());
        assert_eq!(summary.recent(Metric::Append, i64::MAX, i64::MAX), most);
        assert_eq!(summary.recent(Metric::Append, i64::MIN, 60), 0);
        assert!(summary.get(Metric::Append).unwrap().quantile(Metric::Append, 0.99).is_some());
    }
}
