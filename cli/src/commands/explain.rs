//! `argon explain`

use argon_core::Error;
use argon_formats::extjson::{Layout, Mode, print_value};
use argon_service::document::{self, ExplainQuery, ExplainedQuery};
use bson::Bson;
use clap::Args;

use crate::args::{AtRevision, QueryArgs};
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
    query: QueryArgs,
    /// Run the query, and count the entries and documents that it reads
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    at: AtRevision,
}

impl ExplainArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let (state, branch) = workspace.named_state(self.at.at.as_ref()).await?;
        let request = ExplainQuery { query: self.query.into(), execute: self.execute };
        let project = workspace.project.name().to_string();
        let revision = format!("{branch}@{}", state.lsn());
        let explained = document::explain(&state, request, (&project, &revision)).await?;
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
