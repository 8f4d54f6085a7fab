//! What a process did with a store: how often, how long, and how much.
//!
//! - [`Metrics`]: the counts of this process, in memory, handed in with the
//!   [`Environment`](crate::Environment);
//! - [`Summary`]: counts at rest: sums of processes, quantiles, rates;
//! - [`keep`], [`read`]: keeping them in the store, so that the counts of all processes add up.

mod gather;
mod kept;
mod scale;
mod summary;
mod timed;

pub use gather::{Metric, Metrics};
pub use kept::{gathered, keep, read};
pub use scale::{Scale, Unit};
pub use summary::{Series, Summary};
pub(crate) use timed::{TimedMaterialize, TimedRefs};

#[cfg(test)]
mod tests;
