//! `argon branch list`

use argon_service::branch::{self, ListBranches, ListedBranch};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// List the branches; `*` marks the current one.
#[derive(Args)]
#[command(after_help = "Example:\n  argon branch list --all")]
pub(crate) struct ListArgs {
    /// List the backups too that reset and delete have made
    #[arg(short, long)]
    pub(in crate::commands) all: bool,
}

fn remark(branch: &ListedBranch) -> String {
    let masked = branch.masked.then(|| "masked".to_owned());
    let read_only = branch.read_only.then(|| "read-only".to_owned());
    let protected = branch.protected.then(|| "protected".to_owned());
    let ends = branch.ends.map(|end| format!("sandbox until {end}"));
    let remarks = masked.into_iter().chain(read_only).chain(protected).chain(ends);
    remarks.collect::<Vec<_>>().join(", ")
}

impl Cells for ListedBranch {
    fn cells(&self) -> Vec<String> {
        let parent = self.parent.as_ref().map(|parent| format!("{parent}@{}", self.forked_at));
        vec![
            if self.current { "*" } else { "" }.to_owned(),
            self.branch.to_string(),
            self.lsn.to_string(),
            self.time.map(|time| time.to_string()).unwrap_or_default(),
            parent.unwrap_or_default(),
            remark(self),
        ]
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let columns = &["", "BRANCH", "LSN", "LAST COMMIT", "MADE OF", ""];
        let mut listing = context.output.listing(columns);
        for listed in branch::list(&workspace, ListBranches { all: self.all }).await? {
            listing.item(&listed)?;
        }
        listing.finish()
    }
}
