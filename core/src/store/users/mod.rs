//! Users of a server over the store: their names, roles, and what verifies their passwords.
//!
//! A user is one record under the refs of the store, changed by compare-and-set. Core stores users; who
//! may do what is decided by the server. The store itself is open to every process that can open it.
//!
//! | file | content |
//! | --- | --- |
//! | `name.rs` | names of users |
//! | `role.rs` | roles, and where a user has them |
//! | `credentials.rs` | what verifies a password |
//! | `token.rs` | tokens of users |
//! | `audit.rs` | which project has the audit |
//! | `record.rs` | the records of users and tokens |
//! | `operations.rs`, `token_operations.rs` | creating, reading, changing and removing users, and tokens |

mod audit;
mod credentials;
mod name;
mod operations;
mod record;
mod role;
#[cfg(test)]
mod tests;
mod token;
mod token_operations;

pub use credentials::{Credentials, ScramKeys};
pub use name::{UserDatabase, UserName};
pub use role::{BranchPattern, Grant, Role, Scope};
pub use token::{Token, TokenId};

use bson::DateTime;

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The name.
    pub name: UserName,
    /// Distinguishes the user from another who had the name before.
    pub id: [u8; 16],
    /// The roles.
    pub grants: Vec<Grant>,
    /// What verifies the password.
    pub credentials: Credentials,
    /// The time of creation.
    pub created: DateTime,
    /// Who created the user.
    pub actor: String,
}
