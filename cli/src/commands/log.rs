//! `argon log`

use argon_core::model::{Actor, Commit, Message, Touched};
use argon_core::{Error, Revision, parse_time};
use bson::DateTime;
use clap::Args;
use futures::TryStreamExt;

use crate::changes::{import_source, origin_text};
use crate::commands::names::CollectionNames;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row};

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
    /// At most so many commits [default: all]
    #[arg(short, long, value_name = "N")]
    number: Option<usize>,
    /// Only commits that are not earlier: a date, or a time such as 2026-07-07T09:00:00Z
    #[arg(long, value_name = "T", value_parser = time)]
    since: Option<DateTime>,
    /// Only commits of this actor
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Actor::new(text))]
    actor: Option<Actor>,
}

fn time(text: &str) -> Result<DateTime, Error> {
    parse_time(text).ok_or_else(|| {
        Error::invalid(
            "a date such as 2026-07-07 or a time such as 2026-07-07T09:00:00Z is expected",
        )
    })
}

struct CommitRow {
    commit: Commit<Touched>,
    /// The collections that it changed, and how many documents of each.
    collections: Vec<(String, u64)>,
}

impl Row for CommitRow {
    fn cells(&self) -> Vec<String> {
        let meta = &self.commit.meta;
        let names: Vec<&str> = self.collections.iter().map(|(name, _)| name.as_str()).collect();
        let documents: u64 = self.collections.iter().map(|(_, documents)| documents).sum();
        vec![
            meta.lsn.to_string(),
            output::time(meta.time),
            meta.actor.to_string(),
            documents.to_string(),
            names.join(", "),
            first_line(&meta.message).to_owned(),
        ]
    }

    fn json(&self) -> Json {
        let meta = &self.commit.meta;
        let collections = self.collections.iter().map(|(name, documents)| {
            Json::object([("collection", name.as_str().into()), ("documents", (*documents).into())])
        });
        Json::object([
            ("lsn", meta.lsn.get().into()),
            ("time", output::time(meta.time).into()),
            ("actor", meta.actor.as_str().into()),
            ("message", meta.message.as_str().into()),
            ("imported_from", import_source(&meta.origin).into()),
            ("origin", origin_text(&meta.origin).into()),
            ("digest", self.commit.digest.to_string().into()),
            ("collections", Json::Array(collections.collect())),
        ])
    }
}

impl LogArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.from.as_ref()).await?;
        let mut names = CollectionNames::new(&state);
        let columns = &["LSN", "TIME", "ACTOR", "DOCUMENTS", "COLLECTIONS", "MESSAGE"];
        let mut listing = context.output.listing(columns);
        let mut commits = argon_core::log::headers(&state);
        let mut left = self.number.unwrap_or(usize::MAX);
        let mut whole = false;
        while left > 0 {
            let Some(commit) = commits.try_next().await? else {
                whole = true;
                break;
            };
            if self.since.is_some_and(|since| commit.meta.time < since) {
                break; // Times never go back along a log.
            }
            if self.actor.as_ref().is_none_or(|actor| *actor == commit.meta.actor) {
                left -= 1;
                let collections = names.changed_by(&commit).await?;
                listing.row(&CommitRow { commit, collections })?;
            }
        }
        listing.finish()?;
        if whole {
            context.note_floor(&state).await?;
        }
        Ok(())
    }
}

fn first_line(message: &Message) -> &str {
    message.as_str().lines().next().unwrap_or_default()
}
