//! `argon collections drop`

use argon_core::model::CollectionName;
use argon_core::write::CollectionChange;
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
        let words = format!("dropped collection {}", self.name);
        let change = CollectionChange::Drop { name: self.name };
        super::change(context, &self.signature, change, &words).await
    }
}
