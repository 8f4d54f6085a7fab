//! `argon blame`

use argon_core::key::Key;
use argon_service::document::{self, BlameDocument, BlamedCommit, FieldBlame};
use argon_service::json::Id;
use clap::Args;

use crate::args::{AtRevision, DocumentStyle, ID_HELP, InCollection, document_id};
use crate::changes::origin_and_message;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// The longest value in a table, in characters.
const LONGEST: usize = 40;

const EXAMPLES: &str = "\
Examples:
  argon blame -c users 59b99db4cfa9a34dcd7885b6
  argon blame -c users ada --at main@2026-07-07 -o jsonl
  argon blame -c users ada --first-parent         the merge, instead of the commit that wrote it";

/// Show for each field of a document the commit that gave it its value.
///
/// A value that a merge, a cherry-pick, a patch or an undo brought is followed to the commit that wrote it,
/// on its branch (BRANCH@LSN); WHY names the commit that brought it. Elements of arrays are followed by
/// their indexes; an array whose elements come from one commit is one line.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BlameArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "ID", help = ID_HELP, value_parser = document_id, allow_negative_numbers = true)]
    id: Key,
    #[command(flatten)]
    at: AtRevision,
    /// Stay on the branch's own commits: attribute a merged value to the commit that merged it
    #[arg(long)]
    first_parent: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

impl BlameArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let request = BlameDocument {
            collection: self.within.collection,
            id: Id(self.id),
            first_parent: self.first_parent,
            canonical: self.style.canonical,
        };
        let fields = document::blame(&state, &request).await?;
        let mut listing =
            context.output.listing(&["LSN", "TIME", "ACTOR", "FIELD", "VALUE", "WHY"]);
        for field in &fields {
            listing.item(field)?;
        }
        listing.finish()
    }
}

impl Cells for FieldBlame {
    fn cells(&self) -> Vec<String> {
        let [time, actor, mut why] = match (&self.commit, self.at_or_before) {
            (Some(commit), _) => [commit.time.to_string(), commit.actor.clone(), why(commit)],
            (None, Some(lsn)) => {
                let why = format!("at or before LSN {lsn}; older commits were collected");
                [String::new(), String::new(), why]
            }
            (None, None) => Default::default(),
        };
        for commit in &self.brought_by {
            let BlamedCommit { lsn, actor, .. } = commit;
            let by = format!("brought by LSN {lsn} of {actor}: {}", self::why(commit));
            why = if why.is_empty() { by } else { format!("{why}; {by}") };
        }
        let value = self.value.as_str();
        let value = match value.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        };
        vec![commit(self), time, actor, self.path.clone(), value, why]
    }
}

/// The name of the commit: its LSN, and with that the branch if it is elsewhere.
fn commit(field: &FieldBlame) -> String {
    let lsn = match (&field.commit, field.at_or_before) {
        (Some(commit), _) => commit.lsn,
        (None, Some(lsn)) => return format!("≤{lsn}"),
        (None, None) => return String::new(),
    };
    match (&field.branch, &field.timeline) {
        _ if !field.is_elsewhere => lsn.to_string(),
        (Some(branch), _) => format!("{branch}@{lsn}"),
        (None, Some(timeline)) => format!("{lsn} of {timeline}"),
        (None, None) => lsn.to_string(),
    }
}

/// The message of a commit, and what brought it about.
fn why(commit: &BlamedCommit) -> String {
    match origin_and_message(&commit.meta.origin, &commit.meta.message) {
        [Some(origin), Some(message)] => format!("{message} ({origin})"),
        [origin, message] => origin.or(message).unwrap_or_default(),
    }
}
