//! `argon show`

use argon_core::model::Commit;
use argon_core::{Error, Revision, State};
use clap::Args;

use crate::args::DocumentStyle;
use crate::changes::{Detail, origin_text, print_commit};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  argon show                the last commit
  argon show @17 --stat     numbers only
  argon show main~2 -o jsonl";

/// Show one commit: who, when, why, and what it changed.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowArgs {
    /// The state after the commit [default: the head of the current branch]
    #[arg(value_name = "REV")]
    revision: Option<Revision>,
    /// Print how many documents it changed, not the documents
    #[arg(long)]
    stat: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

impl ShowArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let revision = self.revision.unwrap_or_else(|| workspace.head());
        let detail = if self.stat { Detail::Stat } else { Detail::Changes(self.style.mode()) };
        let state = workspace.state(Some(&revision)).await?;
        show(context, &state, revision.branch_or(&workspace.branch).as_str(), detail).await
    }
}

/// Prints the last commit of a state of the history that is called `of`.
pub(super) async fn show(
    context: &Context,
    after: &State,
    of: &str,
    detail: Detail,
) -> CommandResult {
    let Some(commit) = argon_core::log::last_commit(after).await? else {
        let error = format!("the state of '{of}' is empty: no commit comes before");
        return Err(Error::not_found(error).into());
    };
    let before = commit.meta.lsn.back(1).unwrap_or_default();
    let before = after.at(before).await?;
    if context.output.is_table() {
        context.output.print(&header(&commit, of))?;
    }
    print_commit(&context.output, commit, of, [&before, after], detail).await?;
    Ok(())
}

fn header(commit: &Commit, branch: &str) -> String {
    let meta = &commit.meta;
    let mut lines = vec![
        format!("commit   {} of {branch}", meta.lsn),
        format!("digest   {}", commit.digest),
        format!("time     {}", output::time(meta.time)),
        format!("actor    {}", output::escape::line(meta.actor.as_str())),
    ];
    if let Some(origin) = origin_text(&meta.origin) {
        lines.push(format!("origin   {}", output::escape::line(&origin)));
    }
    for (key, value) in meta.trailers.iter() {
        lines.push(format!("trailer  {key}={}", output::escape::line(value)));
    }
    if !meta.message.as_str().is_empty() {
        lines.push(format!("message  {}", meta.message.as_str().replace('\n', "\n         ")));
    }
    lines.push(String::new());
    lines.join("\n")
}
