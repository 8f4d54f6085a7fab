//! `argon count`

use std::pin::pin;

use argon_core::Error;
use argon_core::model::CollectionName;
use argon_service::document::{self, CountDocuments, CountedCollection};
use argon_service::json::QueryDocument;
use clap::Args;
use futures::TryStreamExt;

use crate::args::{AtRevision, FILTER_HELP, InCollation, InHint, query_document};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

const EXAMPLES: &str = "\
Examples:
  argon count -c zips
  argon count -c zips '{state: \"NY\"}'
  argon count --at main@2026-07-07";

/// Count the documents of a collection, or of each.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CountArgs {
    /// The collection [default: all]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    #[arg(value_name = "FILTER", help = FILTER_HELP, value_parser = query_document,
          requires = "collection")]
    filter: Option<QueryDocument>,
    #[command(flatten)]
    collation: InCollation,
    #[command(flatten)]
    hint: InHint,
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
            let filter = self.filter.unwrap_or_default();
            let collation = self.collation.into_document();
            let hint = self.hint.index;
            let request = CountDocuments { collection, filter, collation, hint };
            let counted = document::count_one(&state, request).await?;
            return context.output.result(|| counted.documents.to_string(), &counted);
        }
        if self.collation.is_given() || self.hint.index.is_some() {
            let problem = "--collation and --hint are for a FILTER of one collection: give -c NAME";
            return Err(Error::invalid(problem).into());
        }
        let mut listing = context.output.listing(&["COLLECTION", "DOCUMENTS"]);
        let mut counts = pin!(document::count(&state));
        while let Some(counted) = counts.try_next().await? {
            listing.item(&counted)?;
        }
        listing.finish()
    }
}
