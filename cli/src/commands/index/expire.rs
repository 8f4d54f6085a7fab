//! `argon index expire`

use argon_core::model::CollectionName;
use argon_service::index::{self, ExpireDocuments, ExpiredDocuments};
use clap::Args;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Delete the documents whose time in a TTL index has passed, in one commit a collection.
///
/// Run it from cron, or whenever they should go; past states keep them. Documents of a sandbox do not
/// expire.
#[derive(Args)]
#[command(after_help = "Example:\n  argon index expire -m 'nightly sweep'")]
pub(crate) struct ExpireArgs {
    /// The collection [default: all]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    #[command(flatten)]
    signature: Signature,
}

impl Cells for ExpiredDocuments {
    fn cells(&self) -> Vec<String> {
        let lsn = self.lsn.map_or_else(|| "-".to_owned(), |lsn| lsn.to_string());
        vec![self.collection.to_string(), self.deleted.to_string(), lsn]
    }
}

impl ExpireArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let (collection, signature) = (self.collection, self.signature.into());
        let mut listing = context.output.listing(&["COLLECTION", "DELETED", "LSN"]);
        for expired in index::expire(&branch, ExpireDocuments { collection, signature }).await? {
            listing.item(&expired)?;
        }
        listing.finish()
    }
}
