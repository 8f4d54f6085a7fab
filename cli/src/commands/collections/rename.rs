//! `argon collections rename`

use argon_core::model::CollectionName;
use argon_core::write::CollectionChange;
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
        let words = format!("collection {} is called {} now", self.from, self.to);
        let change = CollectionChange::Rename { from: self.from, to: self.to };
        super::change(context, &self.signature, change, &words).await
    }
}
