//! `argon branches stats`

use argon_core::State;
use argon_core::model::BranchName;
use argon_core::storage::Compression;
use clap::Args;
use futures::TryStreamExt;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Json, count, grouped, size};

/// The branch that is counted.
#[derive(Args)]
pub(crate) struct StatsArgs {
    /// The branch [default: the current one]
    #[arg(value_name = "NAME")]
    name: Option<BranchName>,
    /// The branch, too
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    named: Option<BranchName>,
}

/// What is in a branch.
#[derive(Default)]
struct Stats {
    commits: u64,
    changes: u64,
    documents: u64,
    /// Of the documents at the head, as BSON.
    bytes: u64,
    /// How the commits on its own timeline are packed, in a store that has deltas.
    deltas: Option<Compression>,
}

impl StatsArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let mut workspace = context.workspace().await?;
        if let Some(name) = self.name.or(self.named) {
            workspace.branch = name;
        }
        let head = workspace.branch().await?.head().await?;
        let mut stats = Stats::of(&head).await?;
        if let Some(point) = head.view().point() {
            stats.deltas = workspace.opened.store.compression(point.timeline).await?;
        }
        let branch = &workspace.branch;
        context.output.one(|| stats.text(branch), || stats.json(branch))
    }
}

impl Stats {
    /// Reads the headers of all commits, and all documents of the head.
    async fn of(head: &State) -> argon_core::Result<Self> {
        let mut stats = Self::default();
        let mut commits = argon_core::log::headers(head);
        while let Some(commit) = commits.try_next().await? {
            stats.commits += 1;
            stats.changes += commit.changes.len() as u64;
        }
        for info in head.collections() {
            let mut documents = head.collection(&info.name)?.scan();
            while let Some(document) = documents.try_next().await? {
                stats.documents += 1;
                stats.bytes += document.as_raw().as_bytes().len() as u64;
            }
        }
        Ok(stats)
    }

    fn text(&self, branch: &BranchName) -> String {
        let mut lines = vec![
            ("branch", branch.to_string()),
            ("commits", grouped(self.commits)),
            ("changes", grouped(self.changes)),
            ("documents", grouped(self.documents)),
            ("size", size(self.bytes)),
        ];
        if let Some(deltas) = &self.deltas {
            let objects = count(deltas.objects, "delta");
            lines.push(("packed", format!("{objects} of {}", size(deltas.stored_bytes))));
            lines.push(("ratio", format!("{:.2}", deltas.ratio())));
        }
        let lines: Vec<String> =
            lines.into_iter().map(|(name, value)| format!("{name:<12} {value}")).collect();
        lines.join("\n")
    }

    fn json(&self, branch: &BranchName) -> Json {
        Json::object([
            ("branch", branch.as_str().into()),
            ("commits", self.commits.into()),
            ("changes", self.changes.into()),
            ("documents", self.documents.into()),
            ("bytes", self.bytes.into()),
            ("deltas", self.deltas.map(|deltas| deltas.objects).into()),
            ("ratio", self.deltas.map(|deltas| deltas.ratio()).into()),
        ])
    }
}
