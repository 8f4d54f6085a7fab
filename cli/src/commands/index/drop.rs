//! `argon index drop`

use argon_core::model::Lsn;
use argon_service::index::{self, DropIndex};
use clap::Args;

use crate::args::{InCollection, Signature};
use crate::context::Context;
use crate::exit::CommandResult;

/// Drop an index; past states keep it.
#[derive(Args)]
#[command(after_help = "Example:\n  argon index drop -c users email_1")]
pub(crate) struct DropArgs {
    #[command(flatten)]
    within: InCollection,
    /// Its name
    name: String,
    #[command(flatten)]
    signature: Signature,
}

impl DropArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let request = DropIndex {
            collection: self.within.collection,
            index: self.name,
            signature: self.signature.into(),
        };
        let done = index::drop(&branch, request).await?;
        context.output.committed(Lsn::new(done.lsn), &done.branch);
        let words = format!(
            "dropped index {}, committed as LSN {} of {}",
            done.index, done.lsn, done.branch
        );
        context.output.reply(&words, &done)
    }
}
