//! Walking the log of a view.

mod state;
pub(crate) mod walk;

pub use state::{commit_at, floor, headers, kept_from, last_commit};
