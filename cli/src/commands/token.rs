//! `argon token …`

use argon_core::users::{TokenId, UserDatabase};
use argon_service::token::{self, CreateToken, DropToken, ListTokens, ShownToken};
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Manage tokens, by which programs use `argon serve --auth` over HTTP without a password.
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    Create(CreateArgs),
    List(ListArgs),
    Drop(DropArgs),
}

const CREATE: &str = "\
Examples:
  argon token create nightly --user ada --role read@shop --expires 30d
  curl -H \"Authorization: Bearer $(cat nightly.token)\" https://argon.example:7700/v1/projects

The text of the token is printed once, to standard output; the store keeps a hash of it. A program with the token may
do what the user may, and with --role only what these roles allow of that. Commits are signed by the user.";

/// Create a token of a user, and print its text.
#[derive(Args)]
#[command(after_help = CREATE)]
pub(crate) struct CreateArgs {
    /// What it is for
    name: String,
    /// The user
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Where the user is known: admin, a project, or $external for one with a certificate
    #[arg(long, value_name = "DATABASE", default_value = "admin")]
    database: UserDatabase,
    /// A role that it has at most, such as read@shop; repeatable [default: all of the user's]
    #[arg(long = "role", value_name = "ROLE@WHERE")]
    roles: Vec<String>,
    /// For how long it is valid, such as 30d [default: for ever]
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
}

/// List the tokens, also those that have expired.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon token list\n  argon token list --user ada -o json")]
pub(crate) struct ListArgs {
    /// Only those of this user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Where that user is known: admin, a project, or $external
    #[arg(long, value_name = "DATABASE", default_value = "admin", requires = "user")]
    database: UserDatabase,
}

/// Remove a token: what uses it is refused from then on.
#[derive(Args)]
#[command(after_help = "Example:\n  argon token drop 1f0c3a5b7d9e2468")]
pub(crate) struct DropArgs {
    /// Its id, which `argon token list` shows
    #[arg(value_name = "ID")]
    token: TokenId,
}

impl TokenCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        match self {
            Self::Create(CreateArgs { name, user, database, roles, expires }) => {
                let database = Some(database);
                let request = CreateToken { name, user, database, roles, expires_in: expires };
                let created = token::create(&store, request).await?;
                context.output.say(&format!(
                    "created token {} of {}; this is its text, which is shown only now:",
                    created.shown.id, created.shown.user
                ));
                if context.output.is_table() {
                    return context.output.print(&created.text);
                }
                context.output.reply("", &created)
            }
            Self::List(ListArgs { user, database }) => {
                let columns = &["ID", "NAME", "USER", "ROLES", "CREATED", "EXPIRES", "BY"];
                let mut listing = context.output.listing(columns);
                for token in
                    token::list(&store, ListTokens { user, database: Some(database) }).await?
                {
                    listing.item(&token)?;
                }
                listing.finish()
            }
            Self::Drop(DropArgs { token }) => {
                let dropped = token::drop(&store, DropToken { token }).await?;
                let words = format!("removed token {} ({})", dropped.id, dropped.name);
                context.output.reply(&words, &dropped)
            }
        }
    }
}

impl Cells for ShownToken {
    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.user.clone(),
            self.roles.as_ref().map_or_else(|| "(the user's)".to_owned(), |roles| roles.join(" ")),
            self.created.to_string(),
            self.expires.as_ref().map(ToString::to_string).unwrap_or_default(),
            self.actor.clone(),
        ]
    }
}
