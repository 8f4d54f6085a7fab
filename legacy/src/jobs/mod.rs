//! The queue of jobs, and the signal that wakes workers.

mod job;
mod queue;
mod signal;

pub(crate) use job::sync_id;
pub use job::{Job, JobKind, JobStatus};
pub(crate) use queue::Claim;
pub use queue::Queue;
pub(crate) use signal::WorkSignal;
