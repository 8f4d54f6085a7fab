//! `argon collections create`

use argon_core::model::CollectionName;
use argon_core::write::CollectionChange;
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
        let words = format!("made collection {}", self.name);
        let change = CollectionChange::Create { name: self.name };
        super::change(context, &self.signature, change, &words).await
    }
}
