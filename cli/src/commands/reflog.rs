//! `argon reflog`

use argon_core::model::{BranchName, Message, Origin};
use argon_core::reflog::{self, Cause, Line};
use argon_service::reflog::{ShownEntry, ShownPlace};
use clap::Args;
use futures::TryStreamExt;

use crate::changes::{origin_and_message, origin_text};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Cells, count};

const EXAMPLES: &str = "\
Examples:
  argon reflog -n 10
  argon reflog gone                         a branch that was deleted
  argon restore branch gone@{1} --as back   and back it is
  argon diff main@{1} main                  what the last entry changed";

/// Show how a branch got to where it is: its movements, and the commits between them, newest first.
///
/// BRANCH@{1} is what it was before the last entry, BRANCH@{2} before the last two, and so on.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReflogArgs {
    /// The branch, which may be deleted [default: the current one]
    branch: Option<BranchName>,
    /// At most so many entries [default: all]
    #[arg(short, long, value_name = "N")]
    number: Option<u64>,
}

impl Cells for ShownEntry {
    fn cells(&self) -> Vec<String> {
        let place = |place: &Option<ShownPlace>| {
            place.as_ref().map_or_else(|| "-".to_owned(), |place| place.lsn.to_string())
        };
        vec![
            self.state.clone(),
            self.time.to_string(),
            self.actor.clone(),
            place(&self.from),
            place(&self.to),
            self.why.clone(),
        ]
    }
}

fn cause_text(cause: &Cause) -> String {
    let with = |what: String, message: &Message| match message.as_str().lines().next() {
        None => what,
        Some(line) => format!("{what}: {line}"),
    };
    match cause {
        Cause::Moved(why) => why.clone(),
        Cause::Writes(commits, message) => with(count(*commits, "commit"), message),
        Cause::Commit(origin @ Origin::Import { .. }, message) => {
            with(origin_text(origin).unwrap_or_default(), message)
        }
        Cause::Commit(origin, message) => match origin_and_message(origin, message) {
            [Some(origin), Some(message)] => format!("{origin}: {message}"),
            [Some(origin), None] => origin,
            [None, _] => with(count(1, "commit"), message),
        },
    }
}

impl ReflogArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let name = self.branch.unwrap_or_else(|| workspace.branch.clone());
        let mut lines = reflog::read(&workspace.project, &name).await?;
        let mut listing = context.output.listing(&["STATE", "TIME", "ACTOR", "FROM", "TO", "WHAT"]);
        let mut end = None;
        let mut left = self.number.unwrap_or(u64::MAX);
        while left > 0
            && let Some(line) = lines.try_next().await?
        {
            left -= 1;
            match line {
                Line::Entry(entry) => {
                    let why = cause_text(&entry.cause);
                    listing.item(&ShownEntry::of(&name, &entry, why))?;
                }
                Line::End(why) => end = Some(why),
            }
        }
        listing.finish()?;
        if let Some(why) = end {
            context.output.say(&format!("the reflog ends here: {why}"));
        }
        Ok(())
    }
}
