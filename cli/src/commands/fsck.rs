//! `argon fsck`

use argon_core::ErrorKind;
use argon_core::fsck::{self, Problem, Report};
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::progress;
use crate::output::{Json, count, grouped};

/// Check the whole store: the log against its hash chain, all else against the log.
///
/// Reads everything. Exit code 8 says that problems remain.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon fsck\n  argon fsck --rebuild")]
pub(crate) struct FsckArgs {
    /// Make damaged snapshots again from the log
    #[arg(long)]
    rebuild: bool,
}

impl FsckArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await.hint_on(ErrorKind::Corrupt, || {
            "the store can't be opened, so no more can be said; take a backup of its directory"
                .to_owned()
        })?;
        let url = opened.place.url.to_string();
        if opened.place.is_remote() {
            context.output.say(&format!("checking {}", opened.store.info().location));
        }
        let progress = progress::spinner("commits checked");
        let report =
            fsck::fsck(&opened.store, self.rebuild, &|commits| progress.set_position(commits))
                .await?;
        progress.finish_and_clear();
        context.output.one(|| text(&report), || json(&report, &url))?;
        if report.problems.iter().any(|problem| !problem.mended) {
            return Err(Failure::Reported(ErrorKind::Corrupt));
        }
        Ok(())
    }
}

fn text(report: &Report) -> String {
    let mut lines: Vec<String> = report.problems.iter().map(problem_text).collect();
    let left = report.problems.iter().filter(|problem| !problem.mended).count();
    let result = match (left, report.problems.len()) {
        (0, 0) => "no problems".to_owned(),
        (0, all) => format!("{}, all mended", count(all as u64, "problem")),
        (left, _) => format!("{} remain", count(left as u64, "problem")),
    };
    lines.push(format!(
        "checked {}, {}, {}, {}, {}, {} with {} images, {}: {result}",
        count(report.projects, "project"),
        count(report.branches, "branch"),
        count(report.pins, "pin"),
        count(report.plans, "plan"),
        count(report.timelines, "timeline"),
        count(report.commits, "commit"),
        grouped(report.images),
        count(report.snapshots, "snapshot"),
    ));
    lines.join("\n")
}

fn problem_text(problem: &Problem) -> String {
    let label = if problem.mended { "mended: " } else { "problem:" };
    let mut text = format!("{label} {}", problem.what);
    if !problem.affects.is_empty() {
        text.push_str(&format!("\n         affects {}", problem.affects.join(", ")));
    }
    text
}

fn json(report: &Report, url: &str) -> Json {
    let problems = report.problems.iter().map(|problem| {
        Json::object([
            ("what", problem.what.as_str().into()),
            ("affects", problem.affects.clone().into()),
            ("mended", problem.mended.into()),
        ])
    });
    Json::object([
        ("store", url.into()),
        ("projects", report.projects.into()),
        ("branches", report.branches.into()),
        ("pins", report.pins.into()),
        ("plans", report.plans.into()),
        ("timelines", report.timelines.into()),
        ("commits", report.commits.into()),
        ("images", report.images.into()),
        ("snapshots", report.snapshots.into()),
        ("problems", Json::Array(problems.collect())),
    ])
}
