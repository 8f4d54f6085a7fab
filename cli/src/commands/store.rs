//! `argon store …`

use argon_service::store_names::{self, AddStoreName, ListStoreNames, RemoveStoreName, StoreName};
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

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
    /// Give a store a name; the store need not exist yet
    Add(AddArgs),
    /// List the names
    #[command(after_help = "Example:\n  argon store list")]
    List,
    /// Remove a name; the store stays as it is
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

impl Cells for StoreName {
    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.url.clone()]
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
        let added = store_names::add(context.settings(), AddStoreName { name, url })?;
        let StoreName { name, url } = &added;
        context.output.reply(&format!("{name} is {url}\nuse it by --store {name}"), &added)
    }
}

fn list(context: &Context) -> CommandResult {
    let names = store_names::list(context.settings(), ListStoreNames {});
    if names.is_empty() && context.output.is_table() {
        context.output.say("no names yet: argon store add NAME URL");
    }
    let mut listing = context.output.listing(&["NAME", "URL"]);
    for name in names {
        listing.item(&name)?;
    }
    listing.finish()
}

impl RemoveArgs {
    fn run(self, context: &Context) -> CommandResult {
        let removed = store_names::remove(RemoveStoreName { name: self.name })?;
        context.output.reply(&format!("removed the store name {}", removed.name), &removed)
    }
}
