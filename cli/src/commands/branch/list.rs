//! `argon branch list`

use argon_core::BranchInfo;
use argon_core::model::BranchName;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row};

/// List the branches; `*` marks the current one.
#[derive(Args)]
#[command(after_help = "Example:\n  argon branch list --all")]
pub(crate) struct ListArgs {
    /// List the backups too that reset and delete have made
    #[arg(long)]
    pub(in crate::commands) all: bool,
}

pub(in crate::commands) struct BranchRow {
    pub(in crate::commands) info: BranchInfo,
    pub(in crate::commands) current: bool,
}

impl BranchRow {
    /// The time of the last commit, if there is any.
    fn committed(&self) -> Option<String> {
        (self.info.head.lsn.get() > 0).then(|| output::time(self.info.head.time))
    }

    fn remark(&self) -> String {
        let masked = self.info.masked.then(|| "masked".to_owned());
        let read_only = self.info.read_only.then(|| "read-only".to_owned());
        let protected = self.info.protected.then(|| "protected".to_owned());
        let ends = self.info.ends.map(|end| format!("sandbox until {}", output::time(end)));
        masked
            .into_iter()
            .chain(read_only)
            .chain(protected)
            .chain(ends)
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn parent(&self) -> Option<String> {
        let parent = self.info.parent.as_ref()?;
        Some(format!("{parent}@{}", self.info.forked_at))
    }
}

impl Row for BranchRow {
    fn cells(&self) -> Vec<String> {
        vec![
            if self.current { "*" } else { "" }.to_owned(),
            self.info.name.to_string(),
            self.info.head.lsn.to_string(),
            self.committed().unwrap_or_default(),
            self.parent().unwrap_or_default(),
            self.remark(),
        ]
    }

    fn json(&self) -> Json {
        Json::object([
            ("branch", self.info.name.as_str().into()),
            ("lsn", self.info.head.lsn.get().into()),
            ("digest", self.info.head.digest.to_string().into()),
            ("committed", self.committed().into()),
            ("parent", self.info.parent.as_ref().map(BranchName::as_str).into()),
            ("forked_at", self.info.forked_at.get().into()),
            ("created", output::time(self.info.created).into()),
            ("protected", self.info.protected.into()),
            ("read_only", self.info.read_only.into()),
            ("ends", self.info.ends.map(output::time).into()),
            ("masked", self.info.masked.into()),
            ("current", self.current.into()),
        ])
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let columns = &["", "BRANCH", "LSN", "LAST COMMIT", "MADE OF", ""];
        let mut listing = context.output.listing(columns);
        for info in workspace.project.branches().await? {
            if self.all || !info.name.is_backup() {
                let current = workspace.is_current(&info.name);
                listing.row(&BranchRow { info, current })?;
            }
        }
        listing.finish()
    }
}
