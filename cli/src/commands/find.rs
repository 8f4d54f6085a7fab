//! `argon find`

use argon_service::document::{self, FindDocuments};
use argon_service::json::{HintValue, QueryDocument};
use clap::Args;

use crate::args::{
    AtRevision, DocumentStyle, FILTER_HELP, InCollation, InCollection, hint_value, query_document,
};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon find -c zips --limit 10
  argon find -c zips '{state: \"NY\", pop: {$gt: 50000}}' --sort '{pop: -1}' --projection '{city: 1}'
  argon find -c zips --at main~1 | jq .city
  argon find -c zips --canonical -o json > zips.json";

/// Print the documents of a collection that match a filter, one a line.
///
/// Without --sort, in the order in which they are read: by _id, or by an index. A document that JSON can't express, such as one with a field named $oid, is noted on stderr.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "FILTER", help = FILTER_HELP, value_parser = query_document)]
    filter: Option<QueryDocument>,
    /// The fields to print, such as '{city: 1, _id: 0}' [default: all]
    #[arg(long, value_name = "FIELDS", value_parser = query_document)]
    projection: Option<QueryDocument>,
    /// The order, such as '{pop: -1}' for the greatest first
    #[arg(long, value_name = "ORDER", value_parser = query_document)]
    sort: Option<QueryDocument>,
    #[command(flatten)]
    collation: InCollation,
    /// The index to read by: its name, or its key such as '{pop: 1}'; '{$natural: 1}' for none
    #[arg(long, value_name = "INDEX", value_parser = hint_value)]
    hint: Option<HintValue>,
    #[command(flatten)]
    at: AtRevision,
    /// Print at most N documents [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Leave out the first N documents
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: u64,
    #[command(flatten)]
    style: DocumentStyle,
}

impl FindArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let request = FindDocuments {
            collection: self.within.collection,
            filter: self.filter.unwrap_or_default(),
            projection: self.projection.unwrap_or_default(),
            sort: self.sort.unwrap_or_default(),
            skip: self.skip,
            limit: self.limit,
            collation: self.collation.into_document(),
            hint: self.hint,
        };
        context.output.documents(document::find(&state, request)?, self.style.mode()).await
    }
}
