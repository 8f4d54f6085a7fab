//! From a request to a durable commit.
//!
//! A [`WriteRequest`] is checked where it is made. The [committer](committer::Committer) of its
//! timeline gathers the requests that wait, [sequences](sequencer) them (checks each one's
//! preconditions against the head and the commits before it, gives it a position and a digest), and
//! appends all of them in one durable append.

mod append;
pub(crate) mod committer;
mod operation;
mod outcome;
mod sequencer;

pub use operation::{CollectionChange, Condition, WriteRequest};
pub use outcome::{Conflict, ConflictReason, Outcome, Receipt};
