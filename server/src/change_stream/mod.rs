//! Change streams: the log of branches as MongoDB's events.
//!
//! A stream follows commits with [`Branch::watch`](argon_core::Branch::watch) and makes the events of each
//! one from its changes and from the states before and after it. So an event costs what its commit has
//! changed, documents before a change are always known, and a stream goes on after a restart of the
//! server, from the token of any event.
//!
//! The log says what a document was and became, and not by which command: a document that existed gives an
//! `update` with the difference, and a `replace` only if a difference can't say it (see `difference.rs`).
//!
//! | file | content |
//! | --- | --- |
//! | `options.rs` | the arguments of `$changeStream`, and the stages after it |
//! | `token.rs` | resume tokens |
//! | `feed.rs`, `start.rs` | the commits of the branches that a stream follows, and where it begins on each |
//! | `event.rs`, `catalog_event.rs` | the events of a commit |
//! | `difference.rs` | the description of an update |
//! | `scope.rs` | which events a stream has, and which end it |
//! | `split.rs` | events that are larger than a document |
//! | `stream.rs` | a stream: batches of events |

mod catalog_event;
mod difference;
mod event;
mod feed;
mod options;
mod scope;
mod split;
mod start;
mod stream;
mod token;

pub(crate) use event::{COMMAND_TRAILER, DROP_DATABASE};
pub(crate) use options::{StreamOptions, is_change_stream};
pub(crate) use scope::Scope;
pub(crate) use stream::{ChangeStream, EventBatch};

use crate::failure::CommandError;

/// Marks an error after which drivers do not open the stream again by themselves.
fn fatal(error: CommandError) -> CommandError {
    error.with_label("NonResumableChangeStreamError")
}

/// The error for a position that the history does not have any more.
fn lost(why: impl std::fmt::Display) -> CommandError {
    fatal(CommandError::new(
        286,
        format!(
            "Resume of change stream was not possible, as the resume point may no longer be in the history: \
             {why}; read the collection, and open a new change stream"
        ),
    ))
}
