//! `argon history`

use argon_core::Error;
use argon_core::key::Key;
use argon_core::model::{CommitMeta, Image};
use clap::Args;
use futures::TryStreamExt;

use crate::args::{AtRevision, DocumentStyle, ID_HELP, InCollection, document_id};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, document_line};

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
    /// At most so many [default: all]
    #[arg(short, long, value_name = "N")]
    number: Option<usize>,
    #[command(flatten)]
    style: DocumentStyle,
}

impl HistoryArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let mut images = state.collection(&self.within.collection)?.history(&self.id);
        let mut listing = context.output.listing(&[]);
        let mut printed = 0;
        while self.number.is_none_or(|most| printed < most)
            && let Some((lsn, image)) = images.try_next().await?
        {
            let meta = argon_core::log::commit_at(&state, lsn).await?.meta;
            let document = match &image {
                Image::Document(document) => {
                    Some(document_line(document.as_raw(), self.style.mode())?)
                }
                Image::Deleted => None,
            };
            let text = text(&meta, document.as_deref(), context);
            listing.line(&text, || json(&meta, document).compact())?;
            printed += 1;
        }
        listing.finish()?;
        if self.number.is_none_or(|most| printed < most) {
            context.note_floor(&state).await?;
        }
        let is_there = state.collection(&self.within.collection)?.get(&self.id).await?.is_some();
        if printed == 0 && self.number != Some(0) && !is_there {
            let (name, id) = (&self.within.collection, &self.id);
            let never = format!("collection '{name}' never had a document with _id {id}");
            return Err(Error::not_found(never).into());
        }
        Ok(())
    }
}

fn text(meta: &CommitMeta, document: Option<&str>, context: &Context) -> String {
    let heading = format!("LSN {}  {}  {}", meta.lsn, output::time(meta.time), meta.actor);
    let message = meta.message.as_str().lines().next().unwrap_or_default();
    let heading = format!("{}  {message}", context.output.colours.bold(&heading));
    format!("{}\n  {}", heading.trim_end(), document.unwrap_or("deleted"))
}

fn json(meta: &CommitMeta, document: Option<String>) -> Json {
    Json::object([
        ("lsn", meta.lsn.get().into()),
        ("time", output::time(meta.time).into()),
        ("actor", meta.actor.as_str().into()),
        ("message", meta.message.as_str().into()),
        ("deleted", document.is_none().into()),
        ("document", document.map(Json::Verbatim).into()),
    ])
}
