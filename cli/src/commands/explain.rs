//! `argon explain`

use argon_core::Error;
use argon_formats::extjson::{Layout, Mode, parse_value, print_value};
use argon_service::document::{self, ExplainQuery, ExplainedQuery, FindDocuments};
use argon_service::json::{HintValue, QueryDocument};
use bson::{Bson, Document};
use clap::Args;

use crate::args::{AtRevision, FILTER_HELP, InCollation, InCollection, hint_value, query_document};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon explain -c zips '{state: \"NY\"}' --sort '{pop: -1}'
  argon explain -c zips '{pop: {$gt: 50000}}' --execute --at main~1
  argon explain -c zips '{pop: 1}' --hint state_1";

/// Explain how a query reads a collection: by which index, or why by none.
///
/// The result is that of MongoDB's explain: queryPlanner, and with --execute executionStats. Its field
/// `argon` has the state, and the reason for a scan.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "FILTER", help = FILTER_HELP, value_parser = query_document)]
    filter: Option<QueryDocument>,
    /// The fields to give [default: all]
    #[arg(long, value_name = "FIELDS", value_parser = query_document)]
    projection: Option<QueryDocument>,
    /// The order, such as '{pop: -1}'
    #[arg(long, value_name = "ORDER", value_parser = query_document)]
    sort: Option<QueryDocument>,
    #[command(flatten)]
    collation: InCollation,
    /// The index to read by: its name, or its key such as '{pop: 1}'; '{$natural: 1}' for none
    #[arg(long, value_name = "INDEX", value_parser = hint_value)]
    hint: Option<HintValue>,
    /// The maximum number of documents [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// The number of documents to leave out first
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: u64,
    /// Run the query, and count the entries and documents that it reads
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    at: AtRevision,
}

impl ExplainArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let branch = workspace.branch().await?;
        let query = FindDocuments {
            collection: self.within.collection,
            filter: self.filter.unwrap_or_default(),
            projection: self.projection.unwrap_or_default(),
            sort: self.sort.unwrap_or_default(),
            skip: self.skip,
            limit: self.limit,
            collation: self.collation.into_document(),
            hint: self.hint,
        };
        let request = ExplainQuery { query, execute: self.execute };
        let project = branch.project().name().to_string();
        let revision = format!("{}@{}", branch.name(), state.lsn());
        let explained = document::explain(&state, request, (&project, &revision)).await?;
        let text = indented(&explained)?;
        let mut listing = context.output.listing(&[]);
        listing.result(&text, &explained)?;
        listing.finish()
    }
}

/// The result as JSON with a line for each field.
fn indented(explained: &ExplainedQuery) -> Result<String, Error> {
    let ExplainedQuery { query_planner, execution_stats } = explained;
    let parts =
        [("queryPlanner", Some(query_planner)), ("executionStats", execution_stats.as_ref())];
    let mut shown = Document::new();
    for (name, part) in parts {
        let Some(part) = part else { continue };
        let value = parse_value(part.as_str()).map_err(|source| {
            Error::internal("failed to read the explained query").with_source(source)
        })?;
        shown.insert(name, value);
    }
    print_value(&Bson::Document(shown), Mode::Relaxed, Layout::Pretty).map_err(|source| {
        Error::internal("failed to print the explained query").with_source(source)
    })
}
