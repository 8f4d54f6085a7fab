//! `argon history`

use std::pin::pin;

use argon_core::key::Key;
use argon_service::document::{self, DocumentVersion, HistoryEntry, ListVersions};
use argon_service::json::{ExtJson, Id};
use clap::Args;
use futures::TryStreamExt;

use crate::args::{AtRevision, DocumentStyle, ID_HELP, InCollection, document_id};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Colours;

/// List every content that a document had, the newest first.
#[derive(Args)]
#[command(after_help = "Example:\n  argon history -c users 59b99db4cfa9a34dcd7885b6 -n 5")]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "ID", help = ID_HELP, value_parser = document_id, allow_negative_numbers = true)]
    id: Key,
    #[command(flatten)]
    at: AtRevision,
    /// Print at most N contents [default: all]
    #[arg(short, long, value_name = "N")]
    number: Option<usize>,
    #[command(flatten)]
    style: DocumentStyle,
}

impl HistoryArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let request = ListVersions {
            collection: self.within.collection,
            id: Id(self.id),
            limit: self.number,
            canonical: self.style.canonical,
        };
        let mut entries = pin!(document::history(&state, request)?);
        let mut listing = context.output.listing(&[]);
        let mut floor = None;
        while let Some(entry) = entries.try_next().await? {
            match entry {
                HistoryEntry::Version(version) => {
                    listing.result(&text(&version, context.output.colours), &*version)?;
                }
                HistoryEntry::Floor(lsn) => floor = Some(lsn),
            }
        }
        listing.finish()?;
        if let Some(lsn) = floor {
            context.note_floor_at(lsn);
        }
        Ok(())
    }
}

fn text(version: &DocumentVersion, colours: Colours) -> String {
    let DocumentVersion { lsn, time, actor, message, document, .. } = version;
    let heading = colours.bold(&format!("LSN {lsn}  {time}  {actor}"));
    let heading = format!("{heading}  {}", message.lines().next().unwrap_or_default());
    let document = document.as_ref().map_or("deleted", ExtJson::as_str);
    format!("{}\n  {document}", heading.trim_end())
}
