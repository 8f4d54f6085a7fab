//! `argon user passwd`

use argon_service::user::{self, ChangePassword};
use clap::Args;

use super::UserArgs;
use super::password::PasswordArgs;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon user passwd ada --password-file ada.password
  pwgen -s 24 1 | tee ada.password | argon user passwd ada

The password is read from --password-file, from ARGON_USER_PASSWORD, or from standard input.";

/// Change the password of a user. Connections that are logged in stay so.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PasswdArgs {
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    password: PasswordArgs,
}

impl PasswdArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let password = self.password.read(context)?;
        let store = context.store().await?.store;
        let UserArgs { user, database } = self.user;
        let request = ChangePassword { user, database: Some(database) };
        let user = user::change_password(&store, request, &password).await?;
        context.output.reply(&format!("changed the password of {}", user.user), &user)
    }
}
