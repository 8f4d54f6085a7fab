//! What a client may do.
//!
//! Each command says in the table of commands what it [needs](Need). `dispatch` checks that before the command
//! runs, and nothing else does: a command only says which demands its arguments make.
//!
//! | file | content |
//! | --- | --- |
//! | `right.rs` | the rights, and which ones a role gives |
//! | `demand.rs` | a right on something, as a command demands it |
//! | `scope.rs` | from the name of a database to the branch that a grant has to cover |
//! | `held.rs` | the rights of a client |
//! | `pipeline.rs` | what a pipeline reads and writes |
//! | `arguments.rs`, `users.rs` | what the arguments of commands demand |
//! | `operations.rs` | what operations of the service demand |
//! | `check.rs` | the check of commands |

pub(crate) mod arguments;
mod check;
mod demand;
mod held;
mod operations;
mod pipeline;
mod right;
mod scope;
#[cfg(test)]
mod tests;
pub(crate) mod users;

pub(crate) use arguments::of_history;
pub(crate) use check::{check, covers_project, require_login};
pub(crate) use demand::{Demand, Target};
pub(crate) use held::{Claim, Held};
pub(crate) use operations::{Asked, Made, check_operation, visible};
pub(crate) use pipeline::{of_pipeline, of_stages};
pub(crate) use right::Right;
pub(crate) use scope::of_database;

use futures::future::BoxFuture;

use crate::command::Call;
use crate::failure::Result;

/// What a command needs.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    /// Nothing, not even a login.
    Nothing,
    /// A login.
    Login,
    /// A right on the database of the command.
    Database(Right),
    /// A right on everything.
    Everything(Right),
    /// What its arguments say.
    Arguments(Demands),
}

/// Says what the arguments of a command demand.
pub(crate) type Demands = for<'c> fn(&'c Call<'c>) -> BoxFuture<'c, Result<Vec<Demand>>>;
