//! `argon count`

use argon_core::model::CollectionName;
use clap::Args;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Json, Row};

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

struct CountRow {
    collection: CollectionName,
    documents: u64,
}

impl Row for CountRow {
    fn cells(&self) -> Vec<String> {
        vec![self.collection.to_string(), self.documents.to_string()]
    }

    fn json(&self) -> Json {
        Json::object([
            ("collection", self.collection.as_str().into()),
            ("documents", self.documents.into()),
        ])
    }
}

impl CountArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        if let Some(name) = self.collection {
            let documents = state.collection(&name)?.count().await?;
            let row = CountRow { collection: name, documents };
            return context.output.one(|| documents.to_string(), || row.json());
        }
        let mut listing = context.output.listing(&["COLLECTION", "DOCUMENTS"]);
        for info in state.collections() {
            let documents = state.collection(&info.name)?.count().await?;
            listing.row(&CountRow { collection: info.name.clone(), documents })?;
        }
        listing.finish()
    }
}
