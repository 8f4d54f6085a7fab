//! `argon project …`

pub(super) mod create;
pub(super) mod delete;
pub(super) mod list;
mod undelete;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;

/// Make, list, delete and bring back projects: the databases of a store.
#[derive(Subcommand)]
pub(crate) enum ProjectCommand {
    Create(create::CreateArgs),
    List(list::ListArgs),
    Delete(delete::DeleteArgs),
    Undelete(undelete::UndeleteArgs),
}

impl ProjectCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Delete(args) => args.run(context).await,
            Self::Undelete(args) => args.run(context).await,
        }
    }
}
