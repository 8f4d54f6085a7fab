//! `argon user revoke`

use argon_service::user::{self, RevokeRoles};
use clap::Args;

use super::{UserArgs, roles_of};
use crate::context::Context;
use crate::exit::CommandResult;

/// Revoke roles of a user, also for connections that are logged in.
#[derive(Args)]
#[command(after_help = "Example:\n  argon user revoke ada --role readWrite@shop:try")]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    user: UserArgs,
    /// A role as `argon user list` shows it; repeatable
    #[arg(long = "role", value_name = "ROLE@WHERE", required = true)]
    roles: Vec<String>,
}

impl RevokeArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let UserArgs { user, database } = self.user;
        let request = RevokeRoles { user, database: Some(database), roles: self.roles };
        let user = user::revoke(&store, request).await?;
        context.output.reply(&roles_of(&user), &user)
    }
}
