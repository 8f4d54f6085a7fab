//! `argon wal tt-info`

use argon_service::json::Time;
use argon_service::log::{self, Reach, ShowReach};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::count;

/// Show the readable states of a branch.
#[derive(Args)]
#[command(after_help = "Example:\n  argon wal tt-info -p shop -b main")]
pub(crate) struct TtInfoArgs {}

impl TtInfoArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let reach = log::reach(&workspace, ShowReach {}).await?;
        context.output.result(|| text(&reach), &reach)
    }
}

fn text(reach: &Reach) -> String {
    let mut lines = vec![
        ("project", reach.project.to_string()),
        ("branch", reach.branch.to_string()),
        ("earliest", point(reach.earliest_lsn, reach.earliest_time)),
        ("latest", point(reach.latest_lsn, reach.latest_time)),
        ("log", count(reach.commits, "commit")),
    ];
    if reach.floor > 0 {
        lines.push(("collected", format!("the commits up to LSN {}", reach.floor)));
    }
    let lines = lines.into_iter().map(|(name, value)| format!("{name:<12} {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn point(lsn: u64, time: Option<Time>) -> String {
    match time {
        Some(time) => format!("LSN {lsn}, {time}"),
        None if lsn == 0 => "LSN 0, the empty state".to_owned(),
        None => format!("LSN {lsn}"),
    }
}
