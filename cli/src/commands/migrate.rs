//! `argon migrate`

use std::path::PathBuf;

use argon_core::copy::{self, Extent, Plan, Report};
use argon_core::model::ProjectName;
use argon_core::storage::StoreUrl;
use argon_core::{ErrorKind, Store};
use argon_service::backends::is_remote;
use argon_service::credentials::{Said, SaidBy};
use argon_service::discover::{Place, absolute};
use argon_service::store_link;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{Json, count, grouped, progress};

const EXAMPLES: &str = "\
Examples:
  argon migrate legacy+file:old sled:.argon --dry-run
  argon migrate sled:.argon mongodb://ada@db1.example/shop
  argon migrate archive prod -p shop       stores by the names of `argon store add`

A target `.argon` that names the source becomes the store itself.

Deleted projects that can be brought back are copied too, unless a project is chosen by -p.

The source is read and never changed. Commits keep their positions and digests, so links, pins and
signatures stay good. Whatever ends it, the same command goes on from there. Nobody should write to
either store meanwhile, or collect garbage in the target. Commits that are made in the source
afterwards are brought over by the same command, as long as nobody has written to the target.";

/// Copy all history of a store into another, and compare every branch in both.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MigrateArgs {
    /// The store to copy: a URL, a name, or a directory
    source: String,
    /// Where to; a store that is not there is made
    target: String,
    /// Say what would be copied, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl MigrateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let [from, to] = [place(context, &self.source)?, place(context, &self.target)?];
        let source = open(context, &from).await?;
        // Only this option chooses: what is current belongs to another store, perhaps.
        let project = context.options.project.as_ref();
        let plan = copy::plan(&source, project).await?;
        let names = [from.url.to_string(), to.url.to_string()];
        for name in plan.left_out() {
            context.output.note(&format!(
                "the deleted project '{name}' is not copied, since commits of it were collected \
                 (`argon gc`); it can be brought back in the source only"
            ));
        }
        if self.dry_run {
            return dry_run(context, &plan, &to, &names).await;
        }
        let replaced = unlink_source(&from, &to)?;
        let target = match open(context, &to).await {
            Err(Failure::Error { error, .. }) if error.kind() == ErrorKind::NotFound => {
                create(context, &to).await
            }
            opened => opened,
        };
        if let (Err(_), Some((directory, url))) = (&target, &replaced) {
            store_link::write(directory, url)?;
        }
        let target = target?;
        context.opened(&target);
        let report = run(&plan, &target).await;
        if matches!(report, Err(Failure::Interrupted)) {
            context.output.note("cut off; the same command goes on from here");
        }
        let report = report?;
        let left_out = plan.left_out();
        context.output.one(|| text(&report, &names), || json(&report, &names, project, left_out))
    }
}

/// Removes the file that names the source from the target's directory, if it is the `.argon` that does:
/// the target takes the source's place there. Gives what was removed.
fn unlink_source(from: &Place, to: &Place) -> CommandResult<Option<(PathBuf, StoreUrl)>> {
    if is_remote(&to.url) || to.url.scheme() == "memory" {
        return Ok(None);
    }
    let directory = PathBuf::from(to.url.rest());
    let named = store_link::read(&directory)?;
    let Some(url) = named.filter(|url| absolute(&from.url).is_ok_and(|source| source == *url))
    else {
        return Ok(None);
    };
    store_link::remove(&directory)?;
    Ok(Some((directory, url)))
}

/// The store that an argument names.
fn place(context: &Context, text: &str) -> CommandResult<Place> {
    let said = Said { text: text.to_owned(), by: SaidBy::Argument };
    let place = said.resolved(context.settings()).place()?;
    if let Some(by) = place.found.said_by() {
        context.warn_of_exposure(&place.url, by);
    }
    Ok(place)
}

/// Copies, until Ctrl-C.
async fn run(plan: &Plan, target: &Store) -> CommandResult<Report> {
    let bar = progress::commits(plan.extent().commits);
    let told = |commits| bar.set_position(commits);
    tokio::select! {
        report = plan.run(target, &told) => Ok(report?),
        ended = crate::teardown::asked_to_end() => ended.and(Err(Failure::Interrupted)),
    }
}

async fn dry_run(
    context: &Context,
    plan: &Plan,
    to: &Place,
    [from, target]: &[String; 2],
) -> CommandResult {
    let present = match open(context, to).await {
        Ok(target) => Some(plan.present_in(&target).await?),
        Err(Failure::Error { error, .. }) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Extent { projects, deleted, branches, timelines, commits } = plan.extent();
    let there = present.unwrap_or_default();
    let made = if present.is_some() { "" } else { ", which would be made" };
    let also = match deleted {
        0 => String::new(),
        deleted => format!(" and {}", count(deleted, "deleted project")),
    };
    let text = format!(
        "would copy {} of {} with {}{also} on {} from {from} to {target}{made}; {} there already",
        count(commits - there, "commit"),
        count(projects, "project"),
        count(branches, "branch"),
        count(timelines, "timeline"),
        if there == 1 { "1 is".to_owned() } else { format!("{} are", grouped(there)) },
    );
    context.output.one(
        || text,
        || {
            Json::object([
                ("source", from.as_str().into()),
                ("target", target.as_str().into()),
                ("dry_run", true.into()),
                ("projects", projects.into()),
                ("deleted", deleted.into()),
                ("left_out", names_json(plan.left_out())),
                ("branches", branches.into()),
                ("timelines", timelines.into()),
                ("commits", (commits - there).into()),
                ("present", there.into()),
            ])
        },
    )
}

async fn open(context: &Context, place: &Place) -> CommandResult<Store> {
    let (registry, options) = (argon_service::backends::registry(), context.open_options()?);
    let (environment, actor) = (context.environment.clone(), context.actor()?);
    Ok(Store::open(registry, &place.url, &options, environment, actor).await?)
}

async fn create(context: &Context, place: &Place) -> CommandResult<Store> {
    let (registry, options) = (argon_service::backends::registry(), context.open_options()?);
    let (environment, actor) = (context.environment.clone(), context.actor()?);
    Ok(Store::create(registry, &place.url, &options, environment, actor).await?)
}

fn text(report: &Report, [from, to]: &[String; 2]) -> String {
    let mut lines: Vec<String> = report
        .branches
        .iter()
        .map(|proved| {
            let digest = proved.digest.short();
            let read = match proved.collections {
                0 => String::new(),
                collections => {
                    format!(", documents of {} compared", count(collections, "collection"))
                }
            };
            format!(
                "same: {}/{} at LSN {}, digest {digest}{read}",
                proved.project, proved.branch, proved.lsn
            )
        })
        .collect();
    lines.extend(report.deleted.iter().map(|name| {
        format!(
            "also copied: the deleted project {name}, which `argon project undelete` brings back"
        )
    }));
    let present = match report.present {
        0 => String::new(),
        present => format!(" ({} there already)", grouped(present)),
    };
    lines.push(format!(
        "copied {}{present} and {} from {from} to {to}; {} the same in both",
        count(report.commits, "commit"),
        count(report.refs, "ref"),
        count(report.branches.len() as u64, "branch"),
    ));
    lines.join("\n")
}

fn names_json(names: &[ProjectName]) -> Json {
    Json::Array(names.iter().map(|name| name.as_str().into()).collect())
}

fn json(
    report: &Report,
    [from, to]: &[String; 2],
    project: Option<&ProjectName>,
    left_out: &[ProjectName],
) -> Json {
    let branches = report.branches.iter().map(|proved| {
        Json::object([
            ("project", proved.project.as_str().into()),
            ("branch", proved.branch.as_str().into()),
            ("lsn", proved.lsn.get().into()),
            ("digest", proved.digest.to_string().into()),
            ("collections", proved.collections.into()),
        ])
    });
    Json::object([
        ("source", from.as_str().into()),
        ("target", to.as_str().into()),
        ("project", project.map(ProjectName::as_str).into()),
        ("commits", report.commits.into()),
        ("present", report.present.into()),
        ("refs", report.refs.into()),
        ("branches", Json::Array(branches.collect())),
        ("deleted", names_json(&report.deleted)),
        ("left_out", names_json(left_out)),
    ])
}
