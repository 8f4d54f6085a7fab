//! `argon index …`

mod build;
mod create;
mod drop;
mod expire;
mod list;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;

/// Create, list and drop indexes; build entries; let documents expire.
#[derive(Subcommand)]
pub(crate) enum IndexCommand {
    Create(Box<create::CreateArgs>),
    List(list::ListArgs),
    Drop(drop::DropArgs),
    Build(build::BuildArgs),
    Expire(expire::ExpireArgs),
}

impl IndexCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Drop(args) => args.run(context).await,
            Self::Build(args) => args.run(context).await,
            Self::Expire(args) => args.run(context).await,
        }
    }
}
