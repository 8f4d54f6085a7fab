//! `argon explain`

use argon_core::Error;
use argon_formats::extjson::{Layout, Mode, print_value};
use argon_service::document::{
    self, AggregateDocuments, ExplainPipeline, ExplainQuery, ExplainedQuery,
};
use argon_service::json::QueryDocument;
use bson::Bson;
use clap::Args;

use crate::args::{
    AtRevision, FilterOrPipeline, InCollection, Pipeline, QueryShape, filter_or_pipeline,
};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon explain -c zips '{state: \"NY\"}' --sort '{pop: -1}'
  argon explain -c zips '{pop: {$gt: 50000}}' --execute --at main~1
  argon explain -c zips '{pop: 1}' --hint state_1
  argon explain -c zips '[{$match: {state: \"NY\"}}, {$group: {_id: \"$city\"}}]'";

/// Explain how a query or a pipeline reads a collection: by which index, or why by none.
///
/// The result is that of MongoDB's explain: queryPlanner, and with --execute executionStats. Its field
/// `argon` has the state, and the reason for a scan. The plan of a pipeline has its leading $match, $sort
/// and $limit; stages has the others.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    within: InCollection,
    /// A filter of MongoDB, or a pipeline as a list of stages, as in MongoDB's shell or as Extended JSON
    #[arg(value_name = "FILTER|PIPELINE", value_parser = filter_or_pipeline)]
    query: Option<FilterOrPipeline>,
    #[command(flatten)]
    shape: QueryShape,
    /// Run the query, and count the entries and documents that it reads
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    at: AtRevision,
}

impl ExplainArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { within: InCollection { collection }, query, shape, execute, at } = self;
        let workspace = context.workspace().await?;
        let explained = match query {
            Some(FilterOrPipeline::Pipeline(Pipeline(pipeline))) => {
                let (collation, hint) = shape.of_pipeline()?;
                let variables = QueryDocument::default();
                let pipeline =
                    AggregateDocuments { collection, pipeline, variables, collation, hint };
                let request = ExplainPipeline { pipeline, execute };
                document::explain_pipeline(&workspace, at.at.as_ref(), request).await?
            }
            filter => {
                let filter = match filter {
                    Some(FilterOrPipeline::Filter(filter)) => filter,
                    _ => QueryDocument::default(),
                };
                let (state, branch) = workspace.named_state(at.at.as_ref()).await?;
                let request = ExplainQuery { query: shape.query(collection, filter), execute };
                let project = workspace.project.name().to_string();
                let revision = format!("{branch}@{}", state.lsn());
                document::explain(&state, request, (&project, &revision)).await?
            }
        };
        let text = indented(&explained)?;
        let mut listing = context.output.listing(&[]);
        listing.result(&text, &explained)?;
        listing.finish()
    }
}

/// The result as JSON with a line for each field.
fn indented(explained: &ExplainedQuery) -> Result<String, Error> {
    print_value(&Bson::Document(explained.to_document()?), Mode::Relaxed, Layout::Pretty).map_err(
        |source| Error::internal("failed to print the explained query").with_source(source),
    )
}
