//! `argon fsck`

use argon_core::ErrorKind;
use argon_service::upkeep::{self, CheckStore, CheckedStore, Problem};
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::progress;
use crate::output::{count, grouped};

/// Check the whole store: the log against its hash chain, all other data against the log.
///
/// Reads all stored data. Exit code 8 means that problems remain.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon fsck\n  argon fsck --rebuild")]
pub(crate) struct FsckArgs {
    /// Rebuild damaged snapshots and entries of indexes from the log
    #[arg(long)]
    rebuild: bool,
}

impl FsckArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await.hint_on(ErrorKind::Corrupt, || {
            "the store can't be opened, so nothing else was checked; make a backup of its directory"
                .to_owned()
        })?;
        if opened.place.is_remote() {
            context.output.say(&format!("checking {}", opened.store.info().location));
        }
        let progress = progress::spinner("commits checked");
        let request = CheckStore { rebuild: self.rebuild };
        let checked =
            upkeep::fsck(&opened, request, &|commits| progress.set_position(commits)).await?;
        progress.finish_and_clear();
        context.output.result(|| text(&checked), &checked)?;
        if checked.remaining() > 0 {
            return Err(Failure::Reported(ErrorKind::Corrupt));
        }
        Ok(())
    }
}

fn text(checked: &CheckedStore) -> String {
    let mut lines: Vec<String> = checked.problems.iter().map(problem_text).collect();
    let result = match (checked.remaining() as u64, checked.problems.len() as u64) {
        (0, 0) => "no problems".to_owned(),
        (0, all) => format!("{}, all repaired", count(all, "problem")),
        (left, _) => format!("{} remain", count(left, "problem")),
    };
    lines.push(format!(
        "checked {}, {}, {}, {}, {}, {} with {} images, {}: {result}",
        count(checked.projects, "project"),
        count(checked.branches, "branch"),
        count(checked.pins, "pin"),
        count(checked.plans, "plan"),
        count(checked.timelines, "timeline"),
        count(checked.commits, "commit"),
        grouped(checked.images),
        count(checked.snapshots, "snapshot"),
    ));
    lines.join("\n")
}

fn problem_text(problem: &Problem) -> String {
    let label = if problem.repaired { "repaired:" } else { "problem: " };
    let mut text = format!("{label} {}", problem.what);
    if !problem.affects.is_empty() {
        text.push_str(&format!("\n          affects {}", problem.affects.join(", ")));
    }
    text
}
