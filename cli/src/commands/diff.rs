//! `argon diff`

use argon_core::diff::diff;
use argon_core::{Error, ErrorKind, Revision, State};
use argon_formats::extjson::Mode;
use argon_service::Workspace;
use argon_service::patches::{PatchHeader, Side, write_patch};
use clap::Args;

use crate::args::DocumentStyle;
use crate::changes::{Detail, print_diff};
use crate::context::Context;
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::stdout;

const EXAMPLES: &str = "\
Examples:
  argon diff try                      against main, of which it was made
  argon diff try --merge-base         against main as it was then: what try itself changed
  argon diff main~5 main              what the last five commits changed together
  argon diff main@2026-07-07 main --stat
  argon diff try --fields -o jsonl    one object for each document, with the fields that changed
  argon diff try --patch > try.argonpatch    to be applied elsewhere by argon apply";

/// Show what differs between two states; its cost follows the changes, not the data.
///
/// With one REV or none, that or the current branch is compared with the head of the branch from
/// which it was made.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The state before; or, if it is the only one, the state after [default: the current branch]
    #[arg(value_name = "REV")]
    first: Option<Revision>,
    /// The state after
    #[arg(value_name = "REV")]
    second: Option<Revision>,
    #[command(flatten)]
    depth: Depth,
    /// Compare with the last state that both histories have in common
    #[arg(long)]
    merge_base: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

/// How deep to look. Without any of them: documents that came or went whole, the fields of those that
/// changed, and how many documents came or went with a collection.
#[derive(Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag, and clap refuses two of them")]
struct Depth {
    /// Print how many documents differ, not the documents
    #[arg(long)]
    stat: bool,
    /// Print every document that differs, whole, before and after
    #[arg(long)]
    documents: bool,
    /// Print every field that differs, with its value before and after, and every document that came
    /// or went
    #[arg(long)]
    fields: bool,
    /// Print a patch, which `argon apply` takes: complete, in canonical Extended JSON
    #[arg(long)]
    patch: bool,
}

impl Depth {
    fn detail(&self, mode: Mode) -> Detail {
        match self {
            Self { stat: true, .. } => Detail::Stat,
            Self { documents: true, .. } => Detail::Documents(mode),
            Self { fields: true, .. } => Detail::Fields(mode),
            _ => Detail::Changes(mode),
        }
    }
}

impl DiffArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let first = self.first.unwrap_or_else(|| workspace.head());
        let (before, after) = match self.second {
            Some(second) => (first, second),
            None => (parent_of(&workspace, &first).await?, first),
        };
        let (mut from, to) =
            (workspace.state(Some(&before)).await?, workspace.state(Some(&after)).await?);
        if self.merge_base {
            from = common(&from, &to).await?;
        }
        let diff = diff(&from, &to).await?;
        if self.depth.patch {
            let side = |revision: &Revision| revision.branch_or(&workspace.branch).clone();
            let (one, other) = (side(&before), side(&after));
            let project = workspace.project.name();
            let from = Side { branch: if self.merge_base { &other } else { &one }, state: &from };
            let to = Side { branch: &other, state: &to };
            let header = PatchHeader { project, from, to };
            return Ok(write_patch(&header, &diff, &mut stdout()).await?);
        }
        let detail = self.depth.detail(self.style.mode());
        let stat = print_diff(&context.output, &diff, [&from, &to], detail).await?;
        if context.output.is_table() {
            let (old, new) = (from.lsn(), to.lsn());
            let summary =
                if stat.is_empty() { "no differences".to_owned() } else { stat.summary() };
            let base = if self.merge_base { " (where they part)" } else { "" };
            context
                .output
                .say(&format!("{before} at LSN {old}{base} → {after} at LSN {new}: {summary}"));
        }
        Ok(())
    }
}

/// The branch from which the branch of `revision` was made.
async fn parent_of(workspace: &Workspace, revision: &Revision) -> CommandResult<Revision> {
    let name = revision.branch_or(&workspace.branch);
    let info = workspace.project.branch(name).await?.info().await?;
    let Some(parent) = info.parent else {
        let error = Error::invalid(format!("branch '{name}' was not made of another branch"));
        return Err(Failure::from(error)
            .hint(format!("name two states, such as `argon diff {name}~1 {name}`")));
    };
    let parent = Revision::head(parent);
    workspace.state(Some(&parent)).await.hint_on(ErrorKind::NotFound, || {
        format!("'{name}' was made of '{parent}', which is gone; name two states")
    })?;
    Ok(parent)
}

/// The last state that both histories have in common.
async fn common(from: &State, to: &State) -> CommandResult<State> {
    Ok(to.at(from.view().common_lsn(to.view())).await?)
}
