//! `argon collections drop`

use argon_core::model::CollectionName;
use argon_service::collections::{self, DropCollection};
use clap::Args;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;

/// Drop a collection with its documents; past states keep it.
#[derive(Args)]
#[command(after_help = "Example:\n  argon collections drop users -m \"moved to accounts\"")]
pub(crate) struct DropArgs {
    /// The collection
    name: CollectionName,
    #[command(flatten)]
    signature: Signature,
}

impl DropArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let request = DropCollection { collection: self.name, signature: self.signature.into() };
        let done = collections::drop(&branch, request).await?;
        super::committed(context, &done, &format!("dropped collection {}", done.collection))
    }
}
