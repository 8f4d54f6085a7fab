//! `argon branches stats`

use argon_core::model::BranchName;
use argon_service::branch::{self, BranchStats, CountBranch};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{count, grouped, size};

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

impl StatsArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let mut workspace = context.workspace().await?;
        let request = CountBranch { branch: self.name.or(self.named) };
        let stats = branch::stats(&mut workspace, request).await?;
        context.output.result(|| text(&stats), &stats)
    }
}

fn text(stats: &BranchStats) -> String {
    let mut lines = vec![
        ("branch", stats.branch.to_string()),
        ("commits", grouped(stats.commits)),
        ("changes", grouped(stats.changes)),
        ("documents", grouped(stats.documents)),
        ("size", size(stats.bytes)),
    ];
    if let (Some(deltas), Some(bytes)) = (stats.deltas, stats.packed_bytes) {
        lines.push(("packed", format!("{} of {}", count(deltas, "delta"), size(bytes))));
    }
    lines.extend(stats.ratio.map(|ratio| ("ratio", format!("{ratio:.2}"))));
    let lines: Vec<String> =
        lines.into_iter().map(|(name, value)| format!("{name:<12} {value}")).collect();
    lines.join("\n")
}
