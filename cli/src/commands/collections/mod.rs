//! `argon collections`, and `argon collections …`

mod create;
mod drop;
mod list;
mod rename;

use argon_core::write::CollectionChange;
use clap::{Args, Subcommand};

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

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

/// Commits a change of a collection's own facts.
async fn change(
    context: &Context,
    signature: &Signature,
    change: CollectionChange,
    words: &str,
) -> CommandResult {
    let workspace = context.workspace().await?;
    let branch = workspace.branch().await?;
    let mut request = signature.request(&branch);
    request.change_collection(change);
    let receipt = branch.commit(request).await?.committed()?;
    context.output.committed(receipt.lsn, branch.name());
    let words = format!("{words}, committed as LSN {} of {}", receipt.lsn, branch.name());
    context.output.done(&words, || Json::object([("lsn", receipt.lsn.get().into())]))
}
