//! `argon user grant`

use argon_service::user::{self, GrantRoles};
use clap::Args;

use super::{UserArgs, roles_of};
use crate::context::Context;
use crate::exit::CommandResult;

/// Grant roles to a user.
#[derive(Args)]
#[command(
    after_help = "Example:\n  argon user grant ada --role readWrite@shop:try --role read@shop"
)]
pub(crate) struct GrantArgs {
    #[command(flatten)]
    user: UserArgs,
    /// A role, such as readWrite@shop; repeatable, see `argon user create --help`
    #[arg(long = "role", value_name = "ROLE@WHERE", required = true)]
    roles: Vec<String>,
}

impl GrantArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let UserArgs { user, database } = self.user;
        let request = GrantRoles { user, database: Some(database), roles: self.roles };
        let user = user::grant(&store, request).await?;
        context.output.reply(&roles_of(&user), &user)
    }
}
