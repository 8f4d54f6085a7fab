//! `argon show`

use argon_core::Revision;
use argon_core::model::Commit;
use argon_service::changes::{self, CommitChanges, Listing, ShowCommit};
use clap::Args;

use crate::args::{FilterArgs, ListingArgs};
use crate::changes::{origin_text, print_changes};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  argon show                the last commit
  argon show 17 --stat      numbers only
  argon show -c users       of the last commit, what it changed there
  argon show main~2 -o jsonl";

/// Show one commit: who made it, when, why, and its changes.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowArgs {
    /// The state after the commit [default: the head of the current branch]
    #[arg(value_name = "REV")]
    revision: Option<Revision>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    listing: ListingArgs,
}

impl ShowArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let (filter, listing) = (self.filter.into(), self.listing.listing());
        let request = ShowCommit { revision: self.revision, filter, listing };
        let commit = changes::commit(&workspace, &request).await?;
        show(context, &commit, request.listing).await
    }
}

/// Prints a commit.
pub(super) async fn show(
    context: &Context,
    commit: &CommitChanges,
    listing: Listing,
) -> CommandResult {
    if context.output.is_table() {
        context.output.print(&header(&commit.commit, &commit.branch))?;
    }
    print_changes(&context.output, commit.items(listing)).await?;
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
