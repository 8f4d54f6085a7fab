//! `argon collections` alone

use std::pin::pin;

use argon_service::collections::{self, ListCollections, ListedCollection};
use clap::Args;
use futures::TryStreamExt;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// What is listed.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    at: AtRevision,
    /// Read every document, and print a digest of each collection: name, options, indexes, documents
    #[arg(long)]
    digest: bool,
}

impl Cells for ListedCollection {
    fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.collection.to_string(),
            self.index_names.join(", "),
            self.option_names.join(", "),
        ];
        cells.extend(self.digest.clone());
        cells
    }
}

impl ListArgs {
    pub(super) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let columns: &[&str] = if self.digest {
            &["COLLECTION", "INDEXES", "OPTIONS", "DIGEST"]
        } else {
            &["COLLECTION", "INDEXES", "OPTIONS"]
        };
        let mut listing = context.output.listing(columns);
        let request = ListCollections { digest: self.digest };
        let mut collections = pin!(collections::list(&state, &request));
        while let Some(listed) = collections.try_next().await? {
            listing.item(&listed)?;
        }
        listing.finish()
    }
}
