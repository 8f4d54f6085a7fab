//! `argon collections`, and `argon collections …`

mod create;
mod drop;
mod list;
mod rename;

use argon_core::model::Lsn;
use argon_service::collections::ChangedCollections;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon collections --at main@2026-07-07
  argon collections --digest                    equal digests mean equal collections
  argon collections rename users people -m 'one word for all'";

/// List the collections; create, drop and rename them.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct CollectionsArgs {
    #[command(flatten)]
    list: list::ListArgs,
    #[command(subcommand)]
    command: Option<CollectionsCommand>,
}

#[derive(Subcommand)]
enum CollectionsCommand {
    Create(create::CreateArgs),
    Drop(drop::DropArgs),
    Rename(rename::RenameArgs),
}

impl CollectionsArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self.command {
            None => self.list.run(context).await,
            Some(CollectionsCommand::Create(args)) => args.run(context).await,
            Some(CollectionsCommand::Drop(args)) => args.run(context).await,
            Some(CollectionsCommand::Rename(args)) => args.run(context).await,
        }
    }
}

/// Says what was committed.
fn committed(context: &Context, done: &ChangedCollections, words: &str) -> CommandResult {
    context.output.committed(Lsn::new(done.lsn), &done.branch);
    let words = format!("{words}, committed as LSN {} of {}", done.lsn, done.branch);
    context.output.reply(&words, done)
}
