use std::time::Duration;

use super::{Metric, Metrics, Summary};

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

#[test]
fn commands_are_counted_by_name_and_in_all() {
    let metrics = Metrics::default();
    for (name, is_error) in [("find", false), ("insert", true), ("find", false)] {
        metrics.command(name, Duration::from_micros(3), is_error);
    }
    let mut summary = metrics.take(1);
    summary.add(&summary.clone());
    assert_eq!(summary.get(Metric::Command).unwrap().count, 6);
    assert_eq!(summary.get(Metric::CommandError).unwrap().count, 2);
    let counts = |metric| -> Vec<_> {
        summary.by_command(metric).map(|(name, series)| (name, series.count)).collect()
    };
    assert_eq!(counts(Metric::Command), [("find", 4), ("insert", 2)]);
    assert_eq!(counts(Metric::CommandError), [("insert", 2)]);
    assert_eq!(counts(Metric::Append), []);
    assert_eq!(summary.recent_of(Metric::Command, Some("find"), 1, 1), 4);
    let (_, found) = summary.by_command(Metric::Command).next().unwrap();
    assert_eq!(found.quantile(Metric::Command, 0.5), Some(3_000));
    assert!(metrics.take(1).is_empty());
}
