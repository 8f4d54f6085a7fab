//! `argon find`

use std::pin::pin;

use argon_service::document::{self, FindDocuments};
use clap::Args;
use futures::TryStreamExt;

use crate::args::{AtRevision, DocumentStyle, InCollection};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::document_line;

const EXAMPLES: &str = "\
Examples:
  argon find -c zips --limit 10
  argon find -c zips --at main~1 | jq .city
  argon find -c zips --canonical -o json > zips.json";

/// Print the documents of a collection in the order of their _id, one a line.
///
/// A document that JSON can't express, such as one with a field named $oid, is noted on stderr.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    within: InCollection,
    #[command(flatten)]
    at: AtRevision,
    /// Print at most N documents [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Leave out the first N documents
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: usize,
    #[command(flatten)]
    style: DocumentStyle,
}

impl FindArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let Self { skip, limit, .. } = self;
        let request = FindDocuments { collection: self.within.collection, skip, limit };
        let mut documents = pin!(document::find(&state, &request)?);
        let mut listing = context.output.listing(&[]);
        while let Some(document) = documents.try_next().await? {
            context.output.note_loss(document.as_raw())?;
            let line = document_line(document.as_raw(), self.style.mode())?;
            listing.line(&line, || line.clone())?;
        }
        listing.finish()
    }
}
