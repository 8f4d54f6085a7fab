//! `argon distinct`

use argon_service::document::{self, DistinctValues};
use argon_service::json::QueryDocument;
use clap::Args;

use crate::args::{
    AtRevision, DocumentStyle, FILTER_HELP, InCollation, InCollection, query_document,
};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon distinct -c zips state
  argon distinct -c users address.city '{age: {$gt: 30}}' --at main~1";

/// Print the different values of a field, one a line, in MongoDB's order of values.
///
/// Each element of an array is a value.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DistinctArgs {
    #[command(flatten)]
    within: InCollection,
    /// The path of the field, such as address.city
    #[arg(value_name = "FIELD")]
    field: String,
    #[arg(value_name = "FILTER", help = FILTER_HELP, value_parser = query_document)]
    filter: Option<QueryDocument>,
    #[command(flatten)]
    collation: InCollation,
    #[command(flatten)]
    at: AtRevision,
    #[command(flatten)]
    style: DocumentStyle,
}

impl DistinctArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let request = DistinctValues {
            collection: self.within.collection,
            field: self.field,
            filter: self.filter.unwrap_or_default(),
            collation: self.collation.into_document(),
        };
        let mut listing = context.output.listing(&[]);
        for value in document::distinct(&state, request, self.style.mode()).await? {
            listing.result(value.value.as_str(), &value)?;
        }
        listing.finish()
    }
}
