//! The jobs of the queue: what there is to do, and who does it.

mod job;
mod queue;
mod signal;

pub(crate) use job::sync_id;
pub use job::{Job, JobKind, JobStatus};
pub(crate) use queue::Claim;
pub use queue::Queue;
pub(crate) use signal::WorkSignal;
