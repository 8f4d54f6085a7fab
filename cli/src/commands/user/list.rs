//! `argon user list`

use argon_core::users::UserDatabase;
use argon_service::user::{self, ListUsers};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// List the users with their roles.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon user list\n  argon user list --database shop -o json")]
pub(crate) struct ListArgs {
    /// Only those that are known there: admin, a project, or $external
    #[arg(long, value_name = "DATABASE")]
    database: Option<UserDatabase>,
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let columns = &["USER", "DATABASE", "ROLES", "LOGIN", "CREATED", "BY"];
        let mut listing = context.output.listing(columns);
        for user in user::list(&store, ListUsers { database: self.database }).await? {
            listing.item(&user)?;
        }
        listing.finish()
    }
}
