//! `argon user …`

mod create;
mod drop;
mod grant;
mod list;
mod passwd;
mod password;
mod revoke;

use argon_core::users::UserDatabase;
use argon_service::user::ShownUser;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Manage the users of `argon serve --auth`, their passwords and roles.
#[derive(Subcommand)]
pub(crate) enum UserCommand {
    Create(create::CreateArgs),
    List(list::ListArgs),
    Passwd(passwd::PasswdArgs),
    Grant(grant::GrantArgs),
    Revoke(revoke::RevokeArgs),
    Drop(drop::DropArgs),
}

impl UserCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Passwd(args) => args.run(context).await,
            Self::Grant(args) => args.run(context).await,
            Self::Revoke(args) => args.run(context).await,
            Self::Drop(args) => args.run(context).await,
        }
    }
}

/// A user that is there.
#[derive(Args)]
struct UserArgs {
    /// The name
    user: String,
    /// Where the user is known: admin, a project, or $external for one with a certificate
    #[arg(long, value_name = "DATABASE", default_value = "admin")]
    database: UserDatabase,
}

impl Cells for ShownUser {
    fn cells(&self) -> Vec<String> {
        vec![
            self.user.clone(),
            self.database.clone(),
            self.roles.join(" "),
            self.mechanisms.join(" "),
            self.created.to_string(),
            self.actor.clone(),
        ]
    }
}

/// The roles of a user, in words.
fn roles_of(user: &ShownUser) -> String {
    match user.roles.as_slice() {
        [] => format!("{} has no roles", user.user),
        roles => format!("{} has {}", user.user, roles.join(", ")),
    }
}
