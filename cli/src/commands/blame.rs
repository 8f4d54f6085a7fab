//! `argon blame`

use argon_core::Error;
use argon_core::blame::{BlamedField, Brought, Since, blame, blame_first_parent};
use argon_core::key::Key;
use argon_core::model::{BranchName, CommitMeta, Origin, View};
use argon_formats::extjson::{Layout, Mode, print_raw_value};
use clap::Args;

use crate::args::{AtRevision, DocumentStyle, ID_HELP, InCollection, document_id};
use crate::changes::{origin_and_message, origin_json};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row};

/// The longest value in a table, in characters.
const LONGEST: usize = 40;

const EXAMPLES: &str = "\
Examples:
  argon blame -c users 59b99db4cfa9a34dcd7885b6
  argon blame -c users ada --at main@2026-07-07 -o jsonl
  argon blame -c users ada --first-parent         who merged it, instead of who wrote it";

/// Say for each field of a document which commit gave it its value.
///
/// A value that a merge, a cherry-pick, a patch or an undo brought is followed to the commit that wrote it,
/// on its branch (BRANCH@LSN), and WHY says who brought it here. Elements of arrays are followed by their
/// indexes; an array whose elements are all of one commit is one line.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BlameArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "ID", help = ID_HELP, value_parser = document_id, allow_negative_numbers = true)]
    id: Key,
    #[command(flatten)]
    at: AtRevision,
    /// Stay on the branch's own commits: what was merged is of the commit that merged it
    #[arg(long)]
    first_parent: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

impl BlameArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let collection = &self.within.collection;
        let found = if self.first_parent {
            blame_first_parent(&state, collection, &self.id).await?
        } else {
            blame(&state, collection, &self.id).await?
        };
        let Some(fields) = found else {
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
            listing.row(&FieldRow::of(field, state.view(), self.style.mode())?)?;
        }
        listing.finish()
    }
}

struct FieldRow<'a> {
    field: &'a BlamedField,
    view: &'a View,
    value: String,
}

impl<'a> FieldRow<'a> {
    fn of(field: &'a BlamedField, view: &'a View, mode: Mode) -> CommandResult<Self> {
        let value = print_raw_value(field.value.as_raw_bson_ref(), mode, Layout::Compact)?;
        Ok(Self { field, view, value })
    }

    /// How the commit is named: by its LSN, and on another branch with that.
    fn commit(&self) -> String {
        let (Since::Commit(meta), Some(point)) = (&self.field.since, self.field.written_at) else {
            return String::new();
        };
        let own = self.view.segment_of(point.lsn);
        if own.is_some_and(|segment| segment.timeline == point.timeline) {
            return meta.lsn.to_string();
        }
        // The chain that was merged has the commits of all that was merged into it before.
        let merged = |brought: &Brought| match &brought.meta.origin {
            Origin::Merge(merged) if BranchName::new(merged.source.as_str()).is_ok() => {
                Some(format!("{}@{}", merged.source, meta.lsn))
            }
            _ => None,
        };
        let by_name = self.field.brought_by.last().and_then(merged);
        by_name.unwrap_or_else(|| format!("{} of {}", meta.lsn, point.timeline))
    }
}

impl Row for FieldRow<'_> {
    fn cells(&self) -> Vec<String> {
        let [lsn, time, actor, mut why] = match &self.field.since {
            Since::Commit(meta) => {
                [self.commit(), output::time(meta.time), meta.actor.to_string(), why(meta)]
            }
            Since::AtOrBefore(lsn) => {
                let why = format!("at or before LSN {lsn}; older commits are gone");
                [format!("≤{lsn}"), String::new(), String::new(), why]
            }
        };
        for brought in &self.field.brought_by {
            let Brought { meta, .. } = brought;
            let by = format!("brought by LSN {} of {}: {}", meta.lsn, meta.actor, self::why(meta));
            why = if why.is_empty() { by } else { format!("{why}; {by}") };
        }
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
            Since::Commit(meta) => json.extend(commit_json(meta)),
        }
        if let Some(point) = self.field.written_at {
            json.push(("timeline", point.timeline.to_string().into()));
        }
        let brought = |Brought { meta, .. }: &Brought| Json::object(commit_json(meta));
        let brought = self.field.brought_by.iter().map(brought).collect();
        json.push(("brought_by", Json::Array(brought)));
        Json::Object(json)
    }
}

fn commit_json(meta: &CommitMeta) -> [(&'static str, Json); 5] {
    [
        ("lsn", meta.lsn.get().into()),
        ("time", output::time(meta.time).into()),
        ("actor", meta.actor.as_str().into()),
        ("message", meta.message.as_str().into()),
        ("origin", origin_json(&meta.origin)),
    ]
}

/// The message, and what brought the commit about.
fn why(meta: &CommitMeta) -> String {
    match origin_and_message(&meta.origin, &meta.message) {
        [Some(origin), Some(message)] => format!("{message} ({origin})"),
        [origin, message] => origin.or(message).unwrap_or_default(),
    }
}
