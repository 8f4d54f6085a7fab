//! `argon collections create`

use argon_core::model::CollectionName;
use argon_service::collections::{self, CreateCollection};
use clap::Args;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;

/// Make an empty collection; writing a document makes its collection too.
#[derive(Args)]
#[command(after_help = "Example:\n  argon collections create users")]
pub(crate) struct CreateArgs {
    /// The collection
    name: CollectionName,
    #[command(flatten)]
    signature: Signature,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let request = CreateCollection { collection: self.name, signature: self.signature.into() };
        let done = collections::create(&branch, request).await?;
        super::committed(context, &done, &format!("made collection {}", done.collection))
    }
}
