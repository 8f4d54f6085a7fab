//! Many measurements of one thing.

use std::time::Duration;

/// Durations of one operation.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// No samples.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// Adds those of another.
    pub fn append(&mut self, mut others: Samples) {
        self.0.append(&mut others.0);
    }

    /// The time that all took together.
    pub fn total(&self) -> Duration {
        self.0.iter().sum()
    }

    /// The duration that half of them do not exceed.
    pub fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// The shortest.
    pub fn best(&self) -> Duration {
        self.percentile(0)
    }

    /// The duration that so many in a hundred do not exceed; 0 of nothing.
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// The middle one of some rates; 0 of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The slope of the straight line that fits the points best: what each step of x adds to y, free
/// of what is constant.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let Some(count) = u32::try_from(points.len()).ok().filter(|count| *count > 1) else {
        return 0.0;
    };
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / f64::from(count);
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_in_order_of_size() {
        let mut samples = Samples::default();
        for micros in [5, 1, 4, 2, 3] {
            samples.push(Duration::from_micros(micros));
        }
        assert_eq!(samples.best(), Duration::from_micros(1));
        assert_eq!(samples.median(), Duration::from_micros(3));
        assert_eq!(samples.percentile(100), Duration::from_micros(5));
        assert_eq!(Samples::default().median(), Duration::ZERO);
    }

    #[test]
    fn the_slope_is_free_of_what_is_constant() {
        let points = [(0.0, 1000.0), (1.0, 1003.0), (2.0, 1006.0)];
        assert!((slope(&points) - 3.0).abs() < 1e-9);
    }
}
