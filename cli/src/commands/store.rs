//! `argon store …`

use argon_core::Error;
use argon_core::storage::StoreUrl;
use argon_service::discover::absolute;
use argon_service::settings::{self, Level, is_name};
use clap::{Args, Subcommand};

use super::config::user_file;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{Json, Row};

const EXAMPLES: &str = "\
A name goes before a directory of the same name: `--store prod` is the store of that name, and
`--store ./prod` the directory. The names are in the user's file of settings, without passwords:
ARGON_STORE_PASSWORD or ARGON_STORE_PASSWORD_FILE gives the password.

Examples:
  argon store add prod mongodb://ada@db1.example/shop?replicaSet=rs0
  argon --store prod status";

/// Give stores names, for --store and `ARGON_STORE`.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum StoreCommand {
    /// Give a store a name; the store need not be there yet
    Add(AddArgs),
    /// List the names
    #[command(after_help = "Example:\n  argon store list")]
    List,
    /// Forget a name; nothing happens to the store
    Remove(RemoveArgs),
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon store add prod mongodb://ada@db1.example/shop")]
pub(crate) struct AddArgs {
    /// Letters, digits, '-', '_' and '.'
    name: String,
    /// A URL such as `argon init --help` lists, without a password
    url: String,
}

#[derive(Args)]
#[command(after_help = "Example:\n  argon store remove prod")]
pub(crate) struct RemoveArgs {
    /// The name
    name: String,
}

struct NameRow<'a> {
    name: &'a str,
    url: &'a str,
}

impl Row for NameRow<'_> {
    fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), self.url.to_owned()]
    }

    fn json(&self) -> Json {
        Json::object([("name", self.name.into()), ("url", self.url.into())])
    }
}

impl StoreCommand {
    pub(crate) fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Add(args) => args.run(context),
            Self::List => list(context),
            Self::Remove(args) => args.run(context),
        }
    }
}

impl AddArgs {
    fn run(self, context: &Context) -> CommandResult {
        let Self { name, url } = self;
        if !is_name(&name) {
            return Err(Error::invalid(format!(
                "'{name}' can't be the name of a store: letters, digits, '-', '_' and '.' are expected"
            ))
            .into());
        }
        if let Some(other) = context.settings().stores.get(&name) {
            let other: StoreUrl = other.parse()?;
            let error = Error::already_exists(format!("'{name}' names a store already: {other}"));
            return Err(
                Failure::from(error).hint(format!("`argon store remove {name}` forgets it"))
            );
        }
        // A name is used in any directory.
        let url = absolute(&url.parse()?)?;
        let url = format!("{}:{}", url.scheme(), url.rest());
        settings::edit::set(Level::User, &user_file()?, &format!("stores.{name}"), &url)?;
        context.output.done(&format!("{name} is {url}\nuse it by --store {name}"), || {
            Json::object([("name", name.as_str().into()), ("url", url.as_str().into())])
        })
    }
}

fn list(context: &Context) -> CommandResult {
    let stores = &context.settings().stores;
    if stores.is_empty() && context.output.is_table() {
        context.output.say("no names yet: argon store add NAME URL");
    }
    let mut listing = context.output.listing(&["NAME", "URL"]);
    for (name, url) in stores {
        listing.row(&NameRow { name, url })?;
    }
    listing.finish()
}

impl RemoveArgs {
    fn run(self, context: &Context) -> CommandResult {
        let name = self.name;
        if !settings::edit::unset(Level::User, &user_file()?, &format!("stores.{name}"))? {
            return Err(Error::not_found(format!("no store is called '{name}'")).into());
        }
        context.output.done(&format!("{name} names no store any more"), || {
            Json::object([("removed", name.as_str().into())])
        })
    }
}
