//! `argon count`

use std::pin::pin;

use argon_core::model::CollectionName;
use argon_service::document::{self, CountDocuments, CountedCollection};
use clap::Args;
use futures::TryStreamExt;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Count the documents of a collection, or of each.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon count -c zips\n  argon count --at main@2026-07-07")]
pub(crate) struct CountArgs {
    /// The collection [default: all]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    #[command(flatten)]
    at: AtRevision,
}

impl Cells for CountedCollection {
    fn cells(&self) -> Vec<String> {
        vec![self.collection.to_string(), self.documents.to_string()]
    }
}

impl CountArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        if let Some(collection) = self.collection {
            let counted = document::count_one(&state, CountDocuments { collection }).await?;
            return context.output.result(|| counted.documents.to_string(), &counted);
        }
        let mut listing = context.output.listing(&["COLLECTION", "DOCUMENTS"]);
        let mut counts = pin!(document::count(&state));
        while let Some(counted) = counts.try_next().await? {
            listing.item(&counted)?;
        }
        listing.finish()
    }
}
