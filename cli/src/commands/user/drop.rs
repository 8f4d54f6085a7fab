//! `argon user drop`

use argon_service::user::{self, DropUser};
use clap::Args;

use super::UserArgs;
use crate::context::Context;
use crate::exit::CommandResult;

/// Drop a user. Connections that are logged in lose their rights.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  argon user drop ada\n  argon user drop 'CN=billing,O=Example' --database '$external'"
)]
pub(crate) struct DropArgs {
    #[command(flatten)]
    user: UserArgs,
}

impl DropArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let UserArgs { user, database } = self.user;
        let user = user::drop(&store, DropUser { user, database: Some(database) }).await?;
        context.output.reply(&format!("dropped user {}", user.user), &user)
    }
}
