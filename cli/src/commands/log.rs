//! `argon log`

use std::pin::pin;

use argon_core::Revision;
use argon_core::model::{Actor, Lsn};
use argon_service::log::{self, ListCommits, ListedCommit, LogEntry};
use bson::DateTime;
use clap::Args;
use futures::TryStreamExt;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

const EXAMPLES: &str = "\
Examples:
  argon log -n 10
  argon log --since 2026-07-07 --actor ada
  argon log main@1234 -o jsonl";

/// List the commits of a branch, the newest first.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LogArgs {
    /// Begin at this state [default: the head of the current branch]
    #[arg(value_name = "REV")]
    from: Option<Revision>,
    /// Print at most N commits [default: all]
    #[arg(short, long, value_name = "N")]
    number: Option<usize>,
    /// Only commits that are not earlier: a date, or a time such as 2026-07-07T09:00:00Z
    #[arg(long, value_name = "T", value_parser = log::time_filter)]
    since: Option<DateTime>,
    /// Only commits of this actor
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Actor::new(text))]
    actor: Option<Actor>,
    /// Only commits with this trailer: KEY=VALUE, or KEY for any value
    #[arg(long, value_name = "KEY[=VALUE]")]
    trailer: Option<String>,
}

impl Cells for ListedCommit {
    fn cells(&self) -> Vec<String> {
        let collections = &self.collections;
        let names: Vec<&str> = collections.iter().map(|of| of.collection.as_str()).collect();
        let documents: u64 = collections.iter().map(|of| of.documents).sum();
        vec![
            self.lsn.to_string(),
            self.time.to_string(),
            self.actor.clone(),
            documents.to_string(),
            names.join(", "),
            self.message.lines().next().unwrap_or_default().to_owned(),
        ]
    }
}

impl LogArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let Self { from, number, since, actor, trailer } = self;
        let state = workspace.state(from.as_ref()).await?;
        let columns = &["LSN", "TIME", "ACTOR", "DOCUMENTS", "COLLECTIONS", "MESSAGE"];
        let mut listing = context.output.listing(columns);
        let request = ListCommits { revision: from, limit: number, since, actor, trailer };
        let mut entries = pin!(log::list(&state, request));
        let mut floor = None;
        while let Some(entry) = entries.try_next().await? {
            match entry {
                LogEntry::Commit(commit) => listing.item(&*commit)?,
                LogEntry::Floor(lsn) => floor = Some(lsn),
            }
        }
        listing.finish()?;
        if let Some(lsn) = floor {
            context.note_floor_at(Lsn::new(lsn));
        }
        Ok(())
    }
}
