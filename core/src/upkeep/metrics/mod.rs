//! Metrics of the use of a store: counts, durations, and sizes.
//!
//! - [`Metrics`]: the counters of this process, in memory, passed in with the
//!   [`Environment`](crate::Environment);
//! - [`Summary`]: stored counts: sums of processes, quantiles, rates;
//! - [`keep`], [`read`]: storage of counts in the store, so that the counts of all processes add
//!   up.

mod kept;

pub use kept::{gathered, keep, read};

pub use crate::model::metrics::{Metric, Metrics, Scale, Series, Summary, Unit};

#[cfg(test)]
mod tests;
