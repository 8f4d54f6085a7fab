//! `argon blame`

use argon_core::Error;
use argon_core::blame::{BlamedField, Since, blame};
use argon_core::key::Key;
use argon_core::model::CommitMeta;
use clap::Args;

use crate::args::{AtRevision, DocumentStyle, ID_HELP, InCollection, document_id};
use crate::changes::origin_text;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::formats::extjson::{Layout, Mode, print_raw_value};
use crate::output::{self, Json, Row};

/// The longest value in a table, in characters.
const LONGEST: usize = 40;

const EXAMPLES: &str = "\
Examples:
  argon blame -c users 59b99db4cfa9a34dcd7885b6
  argon blame -c users ada --at main@2026-07-07 -o jsonl";

/// Say for each field of a document which commit gave it its value.
///
/// Elements of arrays are followed by their indexes; an array whose elements are all of one commit is
/// one line.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BlameArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "ID", help = ID_HELP, value_parser = document_id, allow_negative_numbers = true)]
    id: Key,
    #[command(flatten)]
    at: AtRevision,
    #[command(flatten)]
    style: DocumentStyle,
}

impl BlameArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let collection = &self.within.collection;
        let Some(fields) = blame(&state, collection, &self.id).await? else {
            return Err(Error::not_found(format!(
                "collection '{collection}' has no document with _id {} at LSN {}",
                self.id,
                state.lsn()
            ))
            .into());
        };
        let mut listing =
            context.output.listing(&["LSN", "TIME", "ACTOR", "FIELD", "VALUE", "WHY"]);
        for field in &fields {
            listing.row(&FieldRow::of(field, self.style.mode())?)?;
        }
        listing.finish()
    }
}

struct FieldRow<'a> {
    field: &'a BlamedField,
    value: String,
}

impl<'a> FieldRow<'a> {
    fn of(field: &'a BlamedField, mode: Mode) -> CommandResult<Self> {
        let value = print_raw_value(field.value.as_raw_bson_ref(), mode, Layout::Compact)?;
        Ok(Self { field, value })
    }
}

impl Row for FieldRow<'_> {
    fn cells(&self) -> Vec<String> {
        let [lsn, time, actor, why] = match &self.field.since {
            Since::Commit(meta) => {
                [meta.lsn.to_string(), output::time(meta.time), meta.actor.to_string(), why(meta)]
            }
            Since::AtOrBefore(lsn) => {
                let why = format!("at or before LSN {lsn}; older commits are gone");
                [format!("≤{lsn}"), String::new(), String::new(), why]
            }
        };
        let value = match self.value.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &self.value[..end]),
            None => self.value.clone(),
        };
        vec![lsn, time, actor, self.field.path.to_string(), value, why]
    }

    fn json(&self) -> Json {
        let mut json = vec![
            ("path", self.field.path.to_string().into()),
            ("value", Json::Verbatim(self.value.clone())),
        ];
        match &self.field.since {
            Since::AtOrBefore(lsn) => json.push(("at_or_before", lsn.get().into())),
            Since::Commit(meta) => json.extend([
                ("lsn", meta.lsn.get().into()),
                ("time", output::time(meta.time).into()),
                ("actor", meta.actor.as_str().into()),
                ("message", meta.message.as_str().into()),
                ("origin", origin_text(&meta.origin).into()),
            ]),
        }
        Json::Object(json)
    }
}

/// The message, and what brought the commit about.
fn why(meta: &CommitMeta) -> String {
    let message = meta.message.as_str().lines().next().unwrap_or_default();
    match origin_text(&meta.origin) {
        Some(origin) if message.is_empty() => origin,
        Some(origin) if origin != message => format!("{message} ({origin})"),
        _ => message.to_owned(),
    }
}
