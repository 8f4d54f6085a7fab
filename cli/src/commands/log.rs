//! `argon log`

use std::pin::pin;

use argon_core::model::{Actor, Lsn};
use argon_core::{Error, Moment};
use argon_service::Workspace;
use argon_service::log::{
    self, GraphCommit, GraphEntry, ListCommits, ListedCommit, LogEntry, MessagePattern, ShowGraph,
};
use argon_service::range::StateRange;
use clap::Args;
use futures::TryStreamExt;

use crate::args::FilterArgs;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::graph::Graph;
use crate::output::{Cells, Colours, count};

const EXAMPLES: &str = "\
Examples:
  argon log -n 10
  argon log main..try                       the commits of try that main does not have
  argon log --since '1h ago' --actor ada
  argon log -c users --id ada --oneline     the commits that changed a document
  argon log --grep 'price|discount' --until 2026-07-07
  argon log --graph                         with the commits that were merged
  argon log main@1234 -o jsonl";

/// The forms of a time, for the help.
const TIME_HELP: &str = "\
Only commits that are not earlier: a date, a time such as 2026-07-07T09:00 or 12:30 (UTC without a zone), yesterday, \
1h";

/// List the commits of a branch, the newest first.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LogArgs {
    /// Begin at this state; or only the commits of the second state that the first does not have
    /// [default: the head of the current branch]
    #[arg(value_name = "REV|REV..REV")]
    range: Option<StateRange>,
    /// Print at most N commits [default: all]
    #[arg(short, long, value_name = "N")]
    number: Option<usize>,
    #[arg(long, value_name = "T", visible_alias = "after", help = TIME_HELP)]
    since: Option<Moment>,
    /// Only commits that are not later
    #[arg(long, value_name = "T", visible_alias = "before")]
    until: Option<Moment>,
    /// Only commits whose message this regular expression finds, such as 'price|discount'
    #[arg(long, value_name = "PATTERN")]
    grep: Option<MessagePattern>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Only commits of this actor
    #[arg(long, value_name = "NAME", visible_alias = "author", value_parser = |text: &str| Actor::new(text))]
    actor: Option<Actor>,
    /// Only commits with this trailer: KEY=VALUE, or KEY for any value
    #[arg(long, value_name = "KEY[=VALUE]")]
    trailer: Option<String>,
    /// Print a line for each commit: its LSN and its message
    #[arg(long)]
    oneline: bool,
    /// Draw the commits with those that were merged, and the branches that end at them
    #[arg(long, conflicts_with_all = ["since", "until", "grep", "collections", "actor", "trailer"])]
    graph: bool,
}

impl Cells for ListedCommit {
    fn cells(&self) -> Vec<String> {
        let names: Vec<&str> = self.collections.iter().map(|of| of.collection.as_str()).collect();
        vec![
            self.lsn.to_string(),
            self.time.to_string(),
            self.actor.clone(),
            documents(self).to_string(),
            names.join(", "),
            self.message.lines().next().unwrap_or_default().to_owned(),
        ]
    }
}

impl LogArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        if self.range.as_ref().is_some_and(|range| range.merge_base) {
            let error = "the commits of both sides can't be listed at once; use A..B, or B..A";
            return Err(Error::invalid(error).into());
        }
        let workspace = context.workspace().await?;
        let floor = if self.graph {
            self.graph(context, &workspace).await?
        } else {
            self.list(context, &workspace).await?
        };
        if let Some(lsn) = floor {
            context.note_floor_at(Lsn::new(lsn));
        }
        Ok(())
    }

    /// Prints the commits of a chain, and returns the position up to which they were collected.
    async fn list(self, context: &Context, workspace: &Workspace) -> CommandResult<Option<u64>> {
        let Self { range, number, since, until, grep, filter, actor, trailer, oneline, .. } = self;
        let (above, revision) = range.map(|range| (range.from, range.to)).unzip();
        let request = ListCommits {
            revision,
            above: above.flatten(),
            limit: number,
            since,
            until,
            pattern: grep,
            filter: filter.into(),
            actor,
            trailer,
        };
        let columns = &["LSN", "TIME", "ACTOR", "DOCUMENTS", "COLLECTIONS", "MESSAGE"];
        let mut listing = context.output.listing(columns);
        let mut entries = pin!(log::list(workspace, request).await?);
        let mut floor = None;
        while let Some(entry) = entries.try_next().await? {
            match entry {
                LogEntry::Commit(commit) if oneline => {
                    listing.result(&one_line(&commit, context.output.colours), &*commit)?;
                }
                LogEntry::Commit(commit) => listing.item(&*commit)?,
                LogEntry::Floor(lsn) => floor = Some(lsn),
            }
        }
        listing.finish()?;
        Ok(floor)
    }

    /// Prints the commits with those that were merged.
    async fn graph(self, context: &Context, workspace: &Workspace) -> CommandResult<Option<u64>> {
        let (above, revision) = self.range.map(|range| (range.from, range.to)).unzip();
        let request = ShowGraph { revision, above: above.flatten(), limit: self.number };
        let mut listing = context.output.listing(&[]);
        let mut entries = pin!(log::graph(workspace, request).await?);
        let (mut graph, mut floor) = (Graph::new(), None);
        while let Some(entry) = entries.try_next().await? {
            match entry {
                GraphEntry::Commit(commit) => {
                    let text = lines(&commit, self.oneline, context.output.colours);
                    let rows = graph.rows(&commit.point(), &commit.parents, &text);
                    listing.result(&rows, &*commit)?;
                }
                GraphEntry::Floor(lsn) => floor = Some(lsn),
            }
        }
        listing.finish()?;
        Ok(floor)
    }
}

fn documents(commit: &ListedCommit) -> u64 {
    commit.collections.iter().map(|of| of.documents).sum()
}

/// A commit on one line.
fn one_line(commit: &ListedCommit, colours: Colours) -> String {
    format!("{} {}", colours.yellow(&commit.lsn.to_string()), subject(commit))
}

/// The first line of the message, or else what the commit changed.
fn subject(commit: &ListedCommit) -> String {
    match commit.message.lines().next() {
        Some(line) if !line.is_empty() => line.to_owned(),
        _ => {
            let names: Vec<&str> =
                commit.collections.iter().map(|of| of.collection.as_str()).collect();
            format!("({} in {})", count(documents(commit), "document"), names.join(", "))
        }
    }
}

/// The text beside a commit of the graph.
fn lines(commit: &GraphCommit, oneline: bool, colours: Colours) -> Vec<String> {
    let GraphCommit { commit, branches, .. } = commit;
    let lsn = colours.yellow(&commit.lsn.to_string());
    let names: Vec<String> = branches.iter().map(ToString::to_string).collect();
    let names = match names.as_slice() {
        [] => String::new(),
        names => format!(" {}", colours.green(&format!("({})", names.join(", ")))),
    };
    if oneline {
        return vec![format!("{lsn}{names} {}", subject(commit))];
    }
    vec![format!("{lsn}{names}  {}  {}", commit.time, commit.actor), subject(commit)]
}
