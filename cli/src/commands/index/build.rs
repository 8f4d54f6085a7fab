//! `argon index build`

use argon_core::model::CollectionName;
use argon_service::index::{self, BuildIndexes, BuiltIndex};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Make the entries of indexes that have none: those of an older store, of a merge or of an undo.
///
/// Makes no commit. Until then, queries scan.
#[derive(Args)]
#[command(after_help = "Example:\n  argon index build -c users")]
pub(crate) struct BuildArgs {
    /// The collection [default: all]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
}

impl Cells for BuiltIndex {
    fn cells(&self) -> Vec<String> {
        let state = self.unbuilt.as_ref().map_or_else(|| "built".to_owned(), Clone::clone);
        vec![self.collection.to_string(), self.index.clone(), state]
    }
}

impl BuildArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let branch = workspace.branch().await?;
        let request = BuildIndexes { collection: self.collection };
        let mut listing = context.output.listing(&["COLLECTION", "INDEX", "STATE"]);
        for built in index::build(&branch, request).await? {
            listing.item(&built)?;
        }
        listing.finish()
    }
}
