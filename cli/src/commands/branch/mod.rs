//! `argon branch`, and `argon branch …`

pub(super) mod create;
pub(super) mod delete;
pub(super) mod list;
mod mask;
mod protect;
mod read_only;
pub(super) mod rename;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon branch                       list the branches
  argon branch create try            argon switch -c try creates it and goes to it
  argon branch rename try feature/login";

/// List the branches; create, rename, delete and protect them.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct BranchArgs {
    #[command(flatten)]
    list: list::ListArgs,
    #[command(subcommand)]
    command: Option<BranchCommand>,
}

impl BranchArgs {
    /// Whether it lists branches.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.command, None | Some(BranchCommand::List(_)))
    }

    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self.command {
            Some(command) => command.run(context).await,
            None => self.list.run(context).await,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum BranchCommand {
    Create(create::CreateArgs),
    List(list::ListArgs),
    Mask(mask::MaskArgs),
    Rename(rename::RenameArgs),
    Delete(delete::DeleteArgs),
    /// Refuse to reset, rename and delete a branch; commits stay possible
    #[command(after_help = "Example:\n  argon branch protect main")]
    Protect(protect::ProtectArgs),
    /// End the protection of a branch
    #[command(after_help = "Example:\n  argon branch unprotect main")]
    Unprotect(protect::ProtectArgs),
    /// Refuse to write to a branch and to reset it; it can be read, renamed and deleted
    #[command(after_help = "Example:\n  argon branch read-only v1")]
    ReadOnly(read_only::ReadOnlyArgs),
    /// Let a read-only branch take commits again
    #[command(after_help = "Example:\n  argon branch read-write v1")]
    ReadWrite(read_only::ReadOnlyArgs),
}

impl BranchCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Mask(args) => args.run(context).await,
            Self::Rename(args) => args.run(context).await,
            Self::Delete(args) => args.run(context).await,
            Self::Protect(args) => args.run(context, true).await,
            Self::Unprotect(args) => args.run(context, false).await,
            Self::ReadOnly(args) => args.run(context, true).await,
            Self::ReadWrite(args) => args.run(context, false).await,
        }
    }
}
