//! What a figure is held to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::report::Quantity;

/// A bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bar {
    /// At most so many times the floor.
    AtMostFloorTimes(f64),
    /// At least so many times the floor.
    AtLeastFloorTimes(f64),
    /// At most this.
    AtMost(Quantity),
    /// At least this.
    AtLeast(Quantity),
}

impl Bar {
    /// Whether it is met; `None` if it is about a ratio that there is not.
    pub(super) fn is_met(&self, measured: Quantity, ratio: Option<f64>) -> Option<bool> {
        match self {
            Self::AtMostFloorTimes(most) => ratio.map(|ratio| ratio <= *most),
            Self::AtLeastFloorTimes(least) => ratio.map(|ratio| ratio >= *least),
            Self::AtMost(most) => Some(measured.value <= most.value),
            Self::AtLeast(least) => Some(measured.value >= least.value),
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMostFloorTimes(most) => write!(f, "≤ {most} × floor"),
            Self::AtLeastFloorTimes(least) => write!(f, "≥ {least} × floor"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::AtLeast(least) => write!(f, "≥ {least}"),
        }
    }
}
