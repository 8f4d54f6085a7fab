//! `argon reflog`

use std::pin::pin;

use argon_core::model::BranchName;
use argon_service::reflog::{self, ListReflog, ReflogLine, ShownEntry, ShownPosition};
use clap::Args;
use futures::TryStreamExt;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

const EXAMPLES: &str = "\
Examples:
  argon reflog -n 10
  argon reflog gone                         a branch that was deleted
  argon restore branch gone@{1} --as back   the same branch again
  argon diff main@{1} main                  the changes of the last entry";

/// List the movements of a branch, and the commits between them, newest first.
///
/// BRANCH@{1} is its state before the last entry, BRANCH@{2} before the last two, and so on.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReflogArgs {
    /// The branch, which may be deleted [default: the current one]
    branch: Option<BranchName>,
    /// Print at most N entries [default: all]
    #[arg(short, long, value_name = "N")]
    number: Option<usize>,
}

impl Cells for ShownEntry {
    fn cells(&self) -> Vec<String> {
        let place = |place: &Option<ShownPosition>| {
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

impl ReflogArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = ListReflog { branch: self.branch, limit: self.number };
        let mut lines = pin!(reflog::list(&workspace, request).await?);
        let mut listing = context.output.listing(&["STATE", "TIME", "ACTOR", "FROM", "TO", "WHAT"]);
        let mut end = None;
        while let Some(line) = lines.try_next().await? {
            match line {
                ReflogLine::Entry(entry) => listing.item(&*entry)?,
                ReflogLine::End(why) => end = Some(why),
            }
        }
        listing.finish()?;
        if let Some(why) = end {
            context.output.say(&format!("the reflog ends here: {why}"));
        }
        Ok(())
    }
}
