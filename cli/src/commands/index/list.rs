//! `argon index list`

use argon_core::model::CollectionName;
use argon_service::index::{self, IndexInfo, ListIndexes};
use clap::Args;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

const EXAMPLES: &str = "\
Examples:
  argon index list
  argon index list -c users --at main~5";

/// List the indexes of a state, and whether queries can use them.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArgs {
    /// The collection [default: all]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    #[command(flatten)]
    at: AtRevision,
}

impl Cells for IndexInfo {
    fn cells(&self) -> Vec<String> {
        let state = self.unbuilt.as_ref().map_or_else(|| "built".to_owned(), Clone::clone);
        let definition = self.definition.as_str().to_owned();
        vec![self.collection.to_string(), self.index.clone(), definition, state]
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let request = ListIndexes { collection: self.collection };
        let mut listing = context.output.listing(&["COLLECTION", "INDEX", "DEFINITION", "STATE"]);
        for found in index::list(&state, &request).await? {
            listing.item(&found)?;
        }
        listing.finish()
    }
}
