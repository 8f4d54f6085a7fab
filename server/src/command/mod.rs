//! The commands: which there are, and running one.
//!
//! | file | content |
//! | --- | --- |
//! | `call.rs` | a command that is running: what it may ask for |
//! | `dispatch.rs`, `light.rs` | from a request to its reply; which ones need no thread of their own |
//! | `reply.rs` | what a command answers |
//! | `handshake.rs` | `hello`, `ping`, `buildInfo` and what else drivers ask at first |
//! | `diagnostic.rs`, `status.rs`, `operation.rs` | facts about the server, what it has done, its running commands |
//! | `find.rs`, `cursor.rs`, `tailable.rs` | queries, and the rest of their documents |
//! | `aggregate.rs`, `count.rs`, `distinct.rs`, `explain.rs` | other reads |
//! | `write/` | `insert`, `update`, `delete`, `bulkWrite`, `findAndModify` |
//! | `apply_ops/` | the operations of an oplog |
//! | `database.rs`, `collection.rs`, `capped.rs`, `index.rs` | what there is, and changes of it |
//! | `session.rs`, `transaction.rs` | sessions and transactions |
//! | `argon.rs` | branches, log, diff, merge and so on, from a driver |
//! | `retry.rs` | writes that a client sends again |
//! | `snapshot.rs` | reads at a time of the server |
//! | `watch.rs` | change streams |
//! | `authenticate.rs`, `user.rs`, `user_info.rs` | logging in, and users |
//! | `observe.rs`, `shown.rs` | what operators see of commands; commands without their values |
//! | `time_series.rs` | collections of this kind |

mod aggregate;
mod apply_ops;
mod argon;
mod authenticate;
mod call;
mod capped;
mod collection;
mod count;
mod cursor;
mod database;
mod diagnostic;
mod dispatch;
mod distinct;
mod explain;
mod find;
mod handshake;
mod index;
mod light;
mod observe;
mod operation;
mod reply;
mod retry;
mod session;
mod shown;
mod snapshot;
mod status;
mod tailable;
mod time_series;
mod transaction;
mod user;
mod user_info;
mod watch;
mod write;

use futures::future::BoxFuture;

pub(crate) use call::Call;
pub(crate) use dispatch::{Answer, may_be_abandoned, may_compute, run};
pub(crate) use reply::Reply;
pub(crate) use user::{role_texts, user_database};
pub(crate) use user_info::UserArgument;

use crate::failure::Result;
use crate::rights::Need;

/// A command.
pub struct Command {
    /// The name.
    pub name: &'static str,
    /// Older names.
    pub aliases: &'static [&'static str],
    /// What it does, in a sentence.
    pub about: &'static str,
    /// The fields that it takes, besides those that any command may have. Others are refused.
    pub fields: &'static [&'static str],
    /// What it does to the store.
    pub effect: Effect,
    /// What its client needs to run it.
    pub(crate) need: Need,
    /// Whether it belongs to version 1 of the Stable API.
    pub is_stable: bool,
    pub(crate) run: Handler,
}

/// What a command does to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It says something about the server, and reads nothing.
    None,
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// Runs a command.
type Handler = for<'c> fn(&'c Call<'c>) -> BoxFuture<'c, Result<Reply>>;

/// All commands, in the order of their families.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    let families: [&'static [Command]; 12] = [
        handshake::COMMANDS,
        find::COMMANDS,
        cursor::COMMANDS,
        aggregate::COMMANDS,
        count::COMMANDS,
        distinct::COMMANDS,
        explain::COMMANDS,
        write::COMMANDS,
        database::COMMANDS,
        session::COMMANDS,
        diagnostic::COMMANDS,
        operation::COMMANDS,
    ];
    let others = [
        apply_ops::COMMANDS,
        collection::COMMANDS,
        capped::COMMANDS,
        index::COMMANDS,
        argon::COMMANDS,
        authenticate::COMMANDS,
        user::COMMANDS,
        user_info::COMMANDS,
    ];
    families.into_iter().chain(others).flatten()
}

/// The command of this name.
pub(crate) fn named(name: &str) -> Option<&'static Command> {
    commands().find(|command| command.name == name || command.aliases.contains(&name))
}
