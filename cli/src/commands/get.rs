//! `argon get`

use argon_core::key::Key;
use argon_formats::extjson::{Layout, print_document};
use argon_service::document::{self, GetDocument};
use argon_service::json::Id;
use clap::Args;

use crate::args::{AtRevision, DocumentStyle, ID_HELP, InCollection, document_id};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon get -c users 59b99db4cfa9a34dcd7885b6
  argon get -c zips '\"02134\"' --at main@2026-07-07
  argon get -c users ada -o json       over several lines";

/// Print one document, by its _id, as one line of Extended JSON.
///
/// If JSON can't express it, as one with a field named $oid, that is noted on stderr.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "ID", help = ID_HELP, value_parser = document_id, allow_negative_numbers = true)]
    id: Key,
    #[command(flatten)]
    at: AtRevision,
    #[command(flatten)]
    style: DocumentStyle,
}

impl GetArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let request = GetDocument { collection: self.within.collection, id: Id(self.id) };
        let document = document::get(&state, request).await?;
        context.output.note_loss(document.as_raw())?;
        let layout = if context.output.is_pretty() { Layout::Pretty } else { Layout::Compact };
        context.output.print(&print_document(document.as_raw(), self.style.mode(), layout)?)
    }
}
