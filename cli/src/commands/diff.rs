//! `argon diff`

use argon_core::{Error, Revision};
use argon_service::changes::{
    CompareStates, ComparedState, ComparedStates, Detail, Listing, Summary, compare, write_patch,
};
use argon_service::range::StateRange;
use clap::Args;

use crate::args::{DocumentStyle, FilterArgs};
use crate::changes::{print_changes, summary_text};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::stdout;

const EXAMPLES: &str = "\
Examples:
  argon diff try                      against main, from which it was made
  argon diff main...try               against main as it was then: the changes of try itself
  argon diff main~5..main             the changes of the last five commits together
  argon diff @yesterday.. -c users    what changed in one collection since then
  argon diff main try -c users --id ada
  argon diff main@2026-07-07 main --stat
  argon diff try --fields -o jsonl    one object for each document, with the fields that changed
  argon diff try -o jsonl | jq 'select(.kind == \"summary\")'    the numbers, for a program
  argon diff try --patch > try.argonpatch    to be applied elsewhere by argon apply

With -o json or jsonl, the first object (kind `states`) names the two states and their LSNs, and the last one
(kind `summary`) counts the documents and collections that differ. A diff without it is incomplete.";

/// Show the differences between two states; the cost follows the changes, not the data.
///
/// With one REV or none, that or the current branch is compared with the head of the branch from
/// which it was made. A..B is the same as A B, and A...B as A B --merge-base; without A or B, it is the
/// current branch.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The state before; or, if it is the only one, the state after [default: the current branch]
    #[arg(value_name = "REV|REV..REV")]
    first: Option<StateRange>,
    /// The state after
    #[arg(value_name = "REV")]
    second: Option<Revision>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    detail: DetailArgs,
    /// Compare with the last state that both histories share
    #[arg(long)]
    merge_base: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

/// The detail of a diff. Without any of them: added and removed documents, the fields of changed ones, and the
/// number of documents that were added or removed with a collection.
#[derive(Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag, and clap refuses two of them")]
struct DetailArgs {
    /// Print the number of documents that differ, not the documents
    #[arg(long)]
    stat: bool,
    /// Print every document that differs, before and after
    #[arg(long)]
    documents: bool,
    /// Print every field that differs, with its value before and after, and every document that was added
    /// or removed
    #[arg(long)]
    fields: bool,
    /// Print a patch, which `argon apply` takes: complete, in canonical Extended JSON
    #[arg(long)]
    patch: bool,
}

impl DetailArgs {
    fn detail(&self) -> Detail {
        match self {
            Self { stat: true, .. } => Detail::Stat,
            Self { documents: true, .. } => Detail::Documents,
            Self { fields: true, .. } => Detail::Fields,
            _ => Detail::Changes,
        }
    }
}

impl DiffArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let (from, to, merge_base) = sides(self.first, self.second)?;
        let workspace = context.workspace().await?;
        let listing = Listing { detail: self.detail.detail(), canonical: self.style.canonical };
        let merge_base = merge_base || self.merge_base;
        let request = CompareStates { from, to, merge_base, filter: self.filter.into(), listing };
        if self.detail.patch {
            return Ok(write_patch(&workspace, &request, &mut stdout()).await?);
        }
        let comparison = compare(&workspace, &request).await?;
        let summary = print_changes(&context.output, comparison.items(listing)).await?;
        if context.output.is_table() {
            context.output.say(&text(&comparison.states, &summary, merge_base));
        }
        Ok(())
    }
}

/// The states before and after, if they are named, and whether the state before is the last common one.
fn sides(
    first: Option<StateRange>,
    second: Option<Revision>,
) -> Result<(Option<Revision>, Option<Revision>, bool), Error> {
    Ok(match (first, second) {
        (Some(range), Some(second)) if range.is_range() => {
            return Err(Error::invalid(format!(
                "two states are compared: name them as A..B or as A B, without '{second}'"
            )));
        }
        (Some(StateRange { from: Some(from), to, merge_base }), _) => {
            (Some(from), Some(to), merge_base)
        }
        (first, Some(second)) => (first.map(|range| range.to), Some(second), false),
        (first, None) => (None, first.map(|range| range.to), false),
    })
}

fn text(
    ComparedStates { from, to }: &ComparedStates,
    summary: &Summary,
    merge_base: bool,
) -> String {
    let side = |state: &ComparedState| format!("{} at LSN {}", state.revision, state.lsn);
    let base = if merge_base { " (the last common state)" } else { "" };
    let summary = match summary.collections {
        0 => "no differences".to_owned(),
        _ => summary_text(summary),
    };
    format!("{}{base} → {}: {summary}", side(from), side(to))
}
