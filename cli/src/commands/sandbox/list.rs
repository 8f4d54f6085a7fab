//! `argon sandbox list`

use argon_core::model::BranchName;
use argon_core::{BranchInfo, sandbox};
use clap::Args;

use super::ends;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row};

/// List the sandboxes and when each ends.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox list")]
pub(crate) struct ListArgs {}

struct SandboxRow {
    info: BranchInfo,
    end: String,
}

impl Row for SandboxRow {
    fn cells(&self) -> Vec<String> {
        let BranchInfo { name, head, parent, forked_at, .. } = &self.info;
        let made_of = parent.as_ref().map(|parent| format!("{parent}@{forked_at}"));
        vec![name.to_string(), head.lsn.to_string(), made_of.unwrap_or_default(), self.end.clone()]
    }

    fn json(&self) -> Json {
        let BranchInfo { name, head, parent, forked_at, created, ends, .. } = &self.info;
        Json::object([
            ("name", name.as_str().into()),
            ("lsn", head.lsn.get().into()),
            ("parent", parent.as_ref().map(BranchName::as_str).into()),
            ("forked_at", forked_at.get().into()),
            ("created", output::time(*created).into()),
            ("expires", ends.map(output::time).into()),
        ])
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let mut listing = context.output.listing(&["SANDBOX", "LSN", "MADE OF", "TIME"]);
        for info in sandbox::list(&workspace.project).await? {
            let end = info.ends.map(|end| ends(end, context)).unwrap_or_default();
            listing.row(&SandboxRow { info, end })?;
        }
        listing.finish()
    }
}
