//! Maintenance and monitoring of a store.
//!
//! | module | content |
//! | --- | --- |
//! | [`gc`] | removes data that nothing needs |
//! | [`fsck`] | checks every byte, and repairs derived data |
//! | [`copy`] | copies history to another store |
//! | [`metrics`] | the counts of all processes, stored in the store |
//! | [`alerts`] | conditions that are reported to a receiver |

pub mod alerts;
pub mod copy;
pub mod fsck;
pub mod gc;
pub mod metrics;
