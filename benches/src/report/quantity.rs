//! Numbers with a unit.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Time.
    Seconds,
    /// A rate.
    PerSecond,
    /// Space.
    Bytes,
    /// One figure through another.
    Times,
    /// How many.
    Count,
}

/// A number with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// The number.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
}

impl Quantity {
    /// A time.
    pub fn time(duration: Duration) -> Self {
        Self { value: duration.as_secs_f64(), unit: Unit::Seconds }
    }

    /// A rate.
    pub fn per_second(value: f64) -> Self {
        Self { value, unit: Unit::PerSecond }
    }

    /// Bytes.
    pub fn bytes(value: f64) -> Self {
        Self { value, unit: Unit::Bytes }
    }

    /// How many.
    pub fn count(value: f64) -> Self {
        Self { value, unit: Unit::Count }
    }

    /// A ratio.
    pub fn times(value: f64) -> Self {
        Self { value, unit: Unit::Times }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        match self.unit {
            Unit::Seconds if value < 1e-3 => write!(f, "{:.1} µs", value * 1e6),
            Unit::Seconds if value < 1.0 => write!(f, "{:.2} ms", value * 1e3),
            Unit::Seconds => write!(f, "{value:.2} s"),
            Unit::PerSecond => write!(f, "{value:.0}/s"),
            Unit::Bytes => write!(f, "{value:.0} B"),
            Unit::Times => write!(f, "{value:.2} ×"),
            Unit::Count => write!(f, "{value:.0}"),
        }
    }
}

/// A count of thousands or millions in words.
pub fn rounded(count: u64) -> String {
    match count {
        1_000_000.. => format!("{} M", count / 1_000_000),
        1_000.. => format!("{} k", count / 1_000),
        _ => count.to_string(),
    }
}
