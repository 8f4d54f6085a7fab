//! `argon sandbox list`

use argon_service::sandbox::{self, ListSandboxes, ListedSandbox};
use clap::Args;
use serde::Serialize;

use super::ends;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// List the sandboxes and when each ends.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox list")]
pub(crate) struct ListArgs {}

/// A sandbox and when it ends, for people.
#[derive(Serialize)]
struct SandboxRow {
    #[serde(flatten)]
    listed: ListedSandbox,
    #[serde(skip)]
    end: String,
}

impl Cells for SandboxRow {
    fn cells(&self) -> Vec<String> {
        let ListedSandbox { branch, lsn, parent, forked_at, .. } = &self.listed;
        let made_of = parent.as_ref().map(|parent| format!("{parent}@{forked_at}"));
        vec![branch.to_string(), lsn.to_string(), made_of.unwrap_or_default(), self.end.clone()]
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let mut listing = context.output.listing(&["SANDBOX", "LSN", "MADE OF", "TIME"]);
        for listed in sandbox::list(&workspace.project, ListSandboxes {}).await? {
            let end = listed.ends.map(|end| ends(end.0, context)).unwrap_or_default();
            listing.item(&SandboxRow { listed, end })?;
        }
        listing.finish()
    }
}
