//! Maintenance and monitoring of a store.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`gc`] | giving up what nothing needs any more |
//! | [`fsck`] | looking at every byte, and repairing what can be made anew |
//! | [`copy`] | the history of one store in another |
//! | [`metrics`] | the counts of all processes, kept in the store |
//! | [`alerts`] | conditions that somebody is told of |

pub mod alerts;
pub mod copy;
pub mod fsck;
pub mod gc;
pub mod metrics;
