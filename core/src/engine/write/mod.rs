//! Turns a request into a durable commit.
//!
//! A [`WriteRequest`] is validated where it is created. The committer of its timeline
//! (`committer.rs`) gathers the waiting requests, sequences them (`sequencer.rs`: checks each one's
//! preconditions against the head and the commits before it, and assigns a position and a digest),
//! and appends all of them in one durable append.

pub(crate) mod append;
pub(crate) mod committer;
mod operation;
mod outcome;
mod sequencer;
mod series;

pub(crate) use operation::Operation;
pub use operation::{
    CollectionChange, DOCUMENT_OVERHEAD_BYTES, Enforced, Precondition, WriteRequest,
};
pub use outcome::{Conflict, ConflictReason, Outcome, Receipt};
