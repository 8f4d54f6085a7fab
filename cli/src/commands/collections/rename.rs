//! `argon collections rename`

use argon_core::model::CollectionName;
use argon_service::collections::{self, RenameCollection};
use clap::Args;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;

/// Give a collection another name; its documents and their history go with it.
#[derive(Args)]
#[command(after_help = "Example:\n  argon collections rename users accounts")]
pub(crate) struct RenameArgs {
    /// What it is called
    from: CollectionName,
    /// What it shall be called
    to: CollectionName,
    #[command(flatten)]
    signature: Signature,
}

impl RenameArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let from = self.from.clone();
        let request =
            RenameCollection { from: self.from, to: self.to, signature: self.signature.into() };
        let done = collections::rename(&branch, request).await?;
        super::committed(
            context,
            &done,
            &format!("collection {from} is called {} now", done.collection),
        )
    }
}
