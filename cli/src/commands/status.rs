//! `argon status`

use std::time::Duration;

use argon_core::model::{BranchName, Lsn};
use argon_core::storage::{Backlog, StoreInfo, Traffic};
use argon_core::{BranchInfo, ErrorKind, State, snapshot};
use argon_service::duration::duration_text;
use argon_service::{OpenStore, Workspace};
use bson::DateTime;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{self, Json, count, size};

/// Show the store, the current project and branch, and where the branch is.
#[derive(Args)]
pub(crate) struct StatusArgs {}

/// What is known of the store.
struct StoreStatus {
    info: StoreInfo,
    bytes: u64,
    url: String,
    named_by: String,
    remote: bool,
    shared: bool,
    backlog: Option<Backlog>,
}

/// What is known of the branch.
struct BranchStatus {
    project: String,
    info: BranchInfo,
    collections: u64,
    /// In a store that needs snapshots.
    snapshot: Option<LastSnapshot>,
}

/// The last snapshot of a branch.
struct LastSnapshot {
    /// Where it is, and when it was made; `None` if there is none.
    there: Option<(Lsn, DateTime)>,
    /// How long ago it was made.
    age: Duration,
}

impl StatusArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let store = StoreStatus {
            info: opened.store.info(),
            bytes: opened.store.stored_bytes().await?,
            url: opened.place.url.to_string(),
            named_by: crate::hints::found(&opened.place.found),
            remote: opened.place.is_remote(),
            shared: opened.store.capabilities().shared,
            backlog: opened.store.backlog().await?,
        };
        let handle = opened.store.clone();
        let branch = match workspace(context, opened).await {
            Ok(workspace) => Ok(branch_status(&workspace, context.environment.now()).await?),
            Err(failure) => Err(failure),
        };
        let known = branch.as_ref().ok();
        context.output.one(|| text(&store, known), || json(&store, known, handle.traffic()))?;
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

async fn branch_status(workspace: &Workspace, now: DateTime) -> CommandResult<BranchStatus> {
    let branch = workspace.branch().await?;
    let head = branch.head().await?;
    let needs_snapshots = workspace.opened.store.snapshot_policy().after_commits.is_some();
    let snapshot = if needs_snapshots { Some(last_snapshot(&head, now).await?) } else { None };
    Ok(BranchStatus {
        project: workspace.project.name().to_string(),
        info: branch.info().await?,
        collections: head.collections().count() as u64,
        snapshot,
    })
}

async fn last_snapshot(head: &State, now: DateTime) -> CommandResult<LastSnapshot> {
    let there = snapshot::list(head).await?.pop();
    let there = there.map(|manifest| (manifest.point.lsn, manifest.created));
    let age = there.map(|(_, created)| now.saturating_duration_since(created));
    Ok(LastSnapshot { there, age: age.unwrap_or_default() })
}

fn text(store: &StoreStatus, branch: Option<&BranchStatus>) -> String {
    let info = &store.info;
    let mut lines = vec![
        ("store", if store.remote { info.location.clone() } else { store.url.clone() }),
        ("named by", store.named_by.clone()),
        ("shared", shared(store.shared).to_owned()),
        ("engine", format!("{}, format {}", info.engine, info.format)),
        ("id", info.id.clone()),
        ("size", size(store.bytes)),
    ];
    lines.extend(store.backlog.map(|backlog| ("backlog", in_words(&backlog))));
    if let Some(BranchStatus { project, info, collections, snapshot }) = branch {
        let masked = if info.masked { " (masked)" } else { "" };
        let protection = if info.protected { " (protected)" } else { "" };
        lines.push(("project", project.clone()));
        lines.push(("branch", format!("{}{masked}{protection}", info.name)));
        if let Some(parent) = &info.parent {
            lines.push(("made of", format!("{parent}@{}", info.forked_at)));
        }
        lines.push(("head", head(info)));
        lines.push(("collections", output::grouped(*collections)));
        lines.extend(snapshot.as_ref().map(|snapshot| ("snapshot", snapshot.in_words())));
    }
    let lines: Vec<String> =
        lines.into_iter().map(|(name, value)| format!("{name:<12} {value}")).collect();
    lines.join("\n")
}

impl LastSnapshot {
    fn in_words(&self) -> String {
        match self.there {
            None => "none yet".to_owned(),
            Some((lsn, _)) => format!("LSN {lsn}, {} ago", duration_text(self.age)),
        }
    }
}

fn in_words(backlog: &Backlog) -> String {
    let jobs = count(backlog.waiting + backlog.running, "job");
    match backlog.dead {
        0 => jobs,
        dead => format!("{jobs}, {} given up (`argon jobs list`)", output::grouped(dead)),
    }
}

fn shared(shared: bool) -> &'static str {
    if shared { "by many processes at once" } else { "by one process after the other" }
}

fn head(info: &BranchInfo) -> String {
    if info.head.lsn.get() == 0 {
        return "LSN 0, no commits yet".to_owned();
    }
    let (time, digest) = (output::time(info.head.time), info.head.digest.short());
    format!("LSN {}, {time}, digest {digest}", info.head.lsn)
}

fn json(store: &StoreStatus, branch: Option<&BranchStatus>, traffic: Option<Traffic>) -> Json {
    let info = &store.info;
    let mut fields = vec![
        ("store", store.url.clone().into()),
        ("location", info.location.clone().into()),
        ("named_by", store.named_by.clone().into()),
        ("shared", store.shared.into()),
        ("engine", info.engine.clone().into()),
        ("format", u64::from(info.format).into()),
        ("id", info.id.clone().into()),
        ("created", info.created.map(output::time).into()),
        ("recovered", info.recovered.clone().into()),
        ("bytes", store.bytes.into()),
        ("backlog", store.backlog.map(|backlog| backlog.waiting + backlog.running).into()),
        ("dead", store.backlog.map(|backlog| backlog.dead).into()),
        ("traffic", traffic.map(traffic_json).into()),
    ];
    if let Some(BranchStatus { project, info, collections, snapshot }) = branch {
        let snapshot = snapshot.as_ref().and_then(|snapshot| snapshot.there);
        fields.extend([
            ("project", project.clone().into()),
            ("branch", info.name.as_str().into()),
            ("protected", info.protected.into()),
            ("masked", info.masked.into()),
            ("parent", info.parent.as_ref().map(BranchName::as_str).into()),
            ("lsn", info.head.lsn.get().into()),
            ("time", (info.head.lsn.get() > 0).then(|| output::time(info.head.time)).into()),
            ("digest", info.head.digest.to_string().into()),
            ("collections", (*collections).into()),
            ("snapshot_lsn", snapshot.map(|(lsn, _)| lsn.get()).into()),
            ("snapshot_created", snapshot.map(|(_, created)| output::time(created)).into()),
        ]);
    }
    Json::Object(fields)
}

fn traffic_json(traffic: Traffic) -> Json {
    let Traffic { requests, retries, sent, received } = traffic;
    Json::object([
        ("requests", requests.into()),
        ("retries", retries.into()),
        ("sent", sent.into()),
        ("received", received.into()),
    ])
}
