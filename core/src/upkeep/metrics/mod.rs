//! What a process did with a store: how often, how long, and how much.
//!
//! - [`Metrics`]: the counts of this process, in memory, handed in with the
//!   [`Environment`](crate::Environment);
//! - [`Summary`]: counts at rest: sums of processes, quantiles, rates;
//! - [`keep`], [`read`]: keeping them in the store, so that the counts of all processes add up.

mod kept;

pub use kept::{gathered, keep, read};

pub use crate::model::metrics::{Metric, Metrics, Scale, Series, Summary, Unit};

#[cfg(test)]
mod tests;
