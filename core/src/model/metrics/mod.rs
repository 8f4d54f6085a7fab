//! The counters of a process: numbers of events, durations, and sizes. They are part of the
//! [`Environment`](crate::Environment), so that every layer has them; they know no store.

mod gather;
mod scale;
mod summary;

pub use gather::{Metric, Metrics};
pub use scale::{Scale, Unit};
pub use summary::{Series, Summary};

#[cfg(test)]
mod tests;
