use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;

use super::kept::sum;
use super::timed::TimedScan;
use super::{Metric, Metrics, Summary};
use crate::storage::{RefName, RefVersion, Refs, Swap, VersionedRef};
use crate::{Clock, Environment, Error, Ids, Result, records};

fn appended(times: u64, minute: i64) -> Summary {
    let metrics = Metrics::default();
    for _ in 0..times {
        metrics.time(Metric::Append, Duration::from_micros(3));
    }
    metrics.take(minute)
}

#[test]
fn a_value_belongs_to_the_first_bound_that_it_does_not_exceed() {
    let scale = Metric::Append.scale().unwrap();
    let bounds = scale.bounds();
    assert!(bounds.is_sorted_by(|left, right| left < right), "{bounds:?}");
    assert_eq!((bounds[0], bounds[1], bounds[24]), (1_000, 2_000, 100_000_000_000));
    assert_eq!([0, 1_000, 1_001, u64::MAX].map(|value| scale.bucket(value)), [0, 0, 1, 25]);
}

#[test]
fn quantiles_are_bounds_of_buckets_and_never_above_the_maximum() {
    let metrics = Metrics::default();
    for micros in [3, 3, 3, 1_500] {
        metrics.time(Metric::Append, Duration::from_micros(micros));
    }
    let summary = metrics.take(1);
    let series = summary.get(Metric::Append).unwrap();
    assert_eq!(series.quantile(Metric::Append, 0.75), Some(5_000));
    assert_eq!(series.quantile(Metric::Append, 0.99), Some(1_500_000));
    assert_eq!(summary.get(Metric::Gc), None);
}

#[test]
fn what_was_taken_is_not_taken_again() {
    let metrics = Metrics::default();
    metrics.count(Metric::Retry, 2);
    assert_eq!(metrics.take(1).get(Metric::Retry).unwrap().count, 2);
    assert!(metrics.take(1).is_empty());
}

#[test]
fn one_read_in_sixteen_is_timed_and_all_are_counted() {
    let metrics = Metrics::default();
    let timed = (0..32).filter(|_| metrics.begin_read()).count();
    assert_eq!((timed, metrics.counted(Metric::Read)), (2, 32));
}

#[test]
fn sums_are_the_same_in_any_order_and_keep_the_newest_sixty_minutes() {
    let [a, b, c] = [appended(1, 100), appended(2, 130), appended(4, 161)];
    let add = |parts: [&Summary; 3]| {
        let mut sum = Summary::default();
        for part in parts {
            sum.add(part);
        }
        sum
    };
    let all = add([&a, &b, &c]);
    assert_eq!(all, add([&c, &b, &a]));
    assert_eq!(all.get(Metric::Append).unwrap().count, 7);
    assert_eq!(all.recent(Metric::Append, 161, 60), 6);
    assert_eq!(all.recent(Metric::Append, 161, 1), 4);
}

/// A clock on which every look takes a microsecond.
#[derive(Default)]
struct Ticking(AtomicUsize);

impl Clock for Ticking {
    fn now(&self) -> bson::DateTime {
        bson::DateTime::from_millis(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.0.fetch_add(1, Ordering::SeqCst) as u64)
    }
}

struct NoIds;

impl Ids for NoIds {
    fn fill(&self, _: &mut [u8]) {}
}

#[tokio::test]
async fn a_scan_looks_at_the_clock_for_the_first_version_and_when_it_waits() {
    let clock = Arc::new(Ticking::default());
    let environment = Environment::new(clock.clone(), Arc::new(NoIds));
    let ready = || futures::stream::iter((0..100).map(|_| Err(Error::internal("a version"))));
    let waits = futures::stream::once(async {
        tokio::task::yield_now().await;
        Err(Error::internal("a version that comes late"))
    });
    let inner = ready().chain(waits).chain(ready()).boxed();
    let scan = TimedScan::new(inner, environment.clone());
    assert_eq!(scan.count().await, 201);
    assert_eq!(clock.0.load(Ordering::SeqCst), 4, "begun and ended, twice");
    drop(TimedScan::new(ready().boxed(), environment.clone()));
    let summary = environment.metrics().take(1);
    let series = summary.get(Metric::Materialize).unwrap();
    assert_eq!((series.count, series.sum), (1, 2_000), "one that nobody reads is none");
}

/// Refs that fail from the write of a certain number on.
#[derive(Default)]
struct Cut {
    refs: Mutex<BTreeMap<RefName, VersionedRef>>,
    versions: AtomicUsize,
    writes_left: AtomicUsize,
}

#[async_trait]
impl Refs for Cut {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        Ok(self.refs.lock().unwrap().get(name).cloned())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let refs = self.refs.lock().unwrap().clone();
        Ok(refs.into_iter().filter(|(name, _)| name.starts_with(prefix)).collect())
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<Swap> {
        if self.writes_left.load(Ordering::SeqCst) == 0 {
            return Err(Error::unavailable("the process was cut off"));
        }
        self.writes_left.fetch_sub(1, Ordering::SeqCst);
        let mut refs = self.refs.lock().unwrap();
        let current = refs.get(name).cloned();
        if current.as_ref().map(|stored| &stored.version) != expected {
            return Ok(Swap::Moved(current));
        }
        let version = RefVersion(self.versions.fetch_add(1, Ordering::SeqCst).to_string());
        match value {
            Some(value) => {
                refs.insert(name.to_owned(), VersionedRef { version: version.clone(), value });
                Ok(Swap::Done(Some(version)))
            }
            None => {
                refs.remove(name);
                Ok(Swap::Done(None))
            }
        }
    }
}

impl Cut {
    /// Refs with this many records, of one append each.
    async fn with_records(records: usize) -> Self {
        let cut = Self::default();
        cut.writes_left.store(records, Ordering::SeqCst);
        for record in 0..records {
            let value = records::encode(&appended(1, 1)).unwrap();
            cut.compare_and_set(&format!("metrics/{record:02}"), None, Some(value)).await.unwrap();
        }
        cut
    }

    async fn sum(&self) -> u64 {
        sum(self).await.unwrap().get(Metric::Append).unwrap().count
    }
}

#[tokio::test]
async fn absorbing_that_is_cut_off_after_any_write_counts_every_record_once() {
    for writes in 0..=41 {
        let refs = Cut::with_records(40).await;
        refs.writes_left.store(writes, Ordering::SeqCst);
        assert_eq!(refs.sum().await, 40);
        refs.writes_left.store(100, Ordering::SeqCst);
        assert_eq!(refs.sum().await, 40, "cut off after {writes} writes");
        assert_eq!(refs.sum().await, 40, "cut off after {writes} writes, and taken up");
    }
}

#[tokio::test]
async fn absorbing_leaves_one_record() {
    let refs = Cut::with_records(40).await;
    refs.writes_left.store(100, Ordering::SeqCst);
    assert_eq!(refs.sum().await, 40);
    assert_eq!(refs.list("metrics/").await.unwrap().len(), 1);
}
