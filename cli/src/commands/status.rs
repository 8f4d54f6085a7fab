//! `argon status`

use argon_core::ErrorKind;
use argon_service::duration::duration_text;
use argon_service::status::{self, BranchStatus, Status};
use argon_service::{OpenStore, Workspace};
use bson::DateTime;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::hints::CommandLine;
use crate::output::{self, count, size};

/// Show the store, the current project and branch, and where the branch is.
#[derive(Args)]
#[command(after_help = "Example:\n  argon status -o json")]
pub(crate) struct StatusArgs {}

impl StatusArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let mut store = status::store(&opened, &CommandLine).await?;
        let handle = opened.store.clone();
        let branch = match workspace(context, opened).await {
            Ok(workspace) => Ok(status::branch(&workspace).await?),
            Err(failure) => Err(failure),
        };
        store.traffic = handle.traffic().map(Into::into);
        let status = Status { store, branch: branch.as_ref().ok().cloned() };
        let now = context.environment.now();
        context.output.result(|| text(&status, now), &status)?;
        match branch {
            // A store without a project is in order; what to do next is said all the same.
            Err(Failure::Error { error, hint }) if error.kind() == ErrorKind::Invalid => {
                context.output.say(&format!("{error}: {}", hint.unwrap_or_default()));
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }
}

async fn workspace(context: &Context, opened: OpenStore) -> CommandResult<Workspace> {
    let project = context.project_of(&opened).await?;
    Ok(context.workspace_in(opened, project))
}

fn text(status: &Status, now: DateTime) -> String {
    let store = &status.store;
    let mut lines = vec![
        ("store", if store.remote { store.location.clone() } else { store.store.clone() }),
        ("named by", store.named_by.clone()),
        ("shared", shared(store.shared).to_owned()),
        ("engine", format!("{}, format {}", store.engine, store.format)),
        ("id", store.id.clone()),
        ("size", size(store.bytes)),
    ];
    lines.extend(store.backlog.map(|jobs| ("backlog", backlog(jobs, store.dead.unwrap_or(0)))));
    if let Some(branch) = &status.branch {
        let masked = if branch.masked { " (masked)" } else { "" };
        let protection = if branch.protected { " (protected)" } else { "" };
        lines.push(("project", branch.project.to_string()));
        lines.push(("branch", format!("{}{masked}{protection}", branch.branch)));
        if let Some(parent) = &branch.parent {
            lines.push(("made of", format!("{parent}@{}", branch.forked_at)));
        }
        lines.push(("head", head(branch)));
        lines.push(("collections", output::grouped(branch.collections)));
        lines.extend(branch.needs_snapshots.then(|| ("snapshot", snapshot(branch, now))));
    }
    let lines: Vec<String> =
        lines.into_iter().map(|(name, value)| format!("{name:<12} {value}")).collect();
    lines.join("\n")
}

fn snapshot(branch: &BranchStatus, now: DateTime) -> String {
    let Some((lsn, created)) = branch.snapshot_lsn.zip(branch.snapshot_created) else {
        return "none yet".to_owned();
    };
    format!("LSN {lsn}, {} ago", duration_text(now.saturating_duration_since(created.0)))
}

fn backlog(jobs: u64, dead: u64) -> String {
    let jobs = count(jobs, "job");
    match dead {
        0 => jobs,
        dead => format!("{jobs}, {} given up (`argon jobs list`)", output::grouped(dead)),
    }
}

fn shared(shared: bool) -> &'static str {
    if shared { "by many processes at once" } else { "by one process after the other" }
}

fn head(branch: &BranchStatus) -> String {
    match branch.time {
        None => "LSN 0, no commits yet".to_owned(),
        Some(time) => format!("LSN {}, {time}, digest {}", branch.lsn, branch.digest.short()),
    }
}
