//! Users of a server over the store, their roles and passwords.
//!
//! Passwords are never part of a request, so that no request that is logged or printed has one.

mod change_password;
mod create;
mod drop;
mod grant;
mod list;
mod revoke;
pub mod roles;
pub mod scram;
mod shown;
mod update;

pub use self::change_password::{ChangePassword, change_password};
pub use self::create::{CreateUser, create};
pub use self::drop::{DropUser, drop};
pub use self::grant::{GrantRoles, grant};
pub use self::list::{ListUsers, list};
pub use self::revoke::{RevokeRoles, revoke};
pub use self::scram::is_password;
pub use self::shown::ShownUser;
pub use self::update::{UpdateUser, update};

use argon_core::Result;
use argon_core::users::{UserDatabase, UserName};

/// The database of a user of a request.
fn name_of(user: &str, database: Option<&UserDatabase>) -> Result<UserName> {
    UserName::new(database.cloned().unwrap_or(UserDatabase::Admin), user)
}
