//! `argon migrate`

use argon_service::migrate::{self, MigrateStore, MigratedBranch, MigratedStore, PlannedMigration};
use argon_service::{Interrupt, Watcher, discover};
use clap::Args;
use indicatif::ProgressBar;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{count, grouped, progress};

const EXAMPLES: &str = "\
Examples:
  argon migrate legacy+file:old sled:.argon --dry-run
  argon migrate sled:.argon mongodb://ada@db1.example/shop
  argon migrate archive prod -p shop       stores by the names of `argon store add`

If the target is `.argon`, and it names the source, it becomes the target store.

Deleted projects that can be brought back are copied too, unless a project is chosen by -p.

The source is never changed. Commits keep their positions and digests, so links, pins and signatures
stay valid. After an interruption, the same command continues. During a migration, do not write to
either store, and do not collect garbage in the target. The same command copies commits that are made in
the source later, as long as the target has no commits of its own.";

/// Copy all history of a store into another, and compare every branch in both.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MigrateArgs {
    /// The store to copy: a URL, a name, or a directory
    source: String,
    /// The store that gets the copy, which is created if it does not exist
    target: String,
    /// Report what would be copied, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl MigrateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { source, target, dry_run } = self;
        // Only the option chooses a project: the current one may be of another store.
        let project = context.options.project.clone();
        let request = MigrateStore { source, target, project, dry_run };
        for text in [&request.source, &request.target] {
            let place = discover::named(text, context.settings())?;
            if let Some(by) = place.found.said_by() {
                context.warn_of_exposure(&place.url, by);
            }
        }
        let opener = context.opener()?;
        let migration = migrate::plan(&opener, context.settings(), &request).await?;
        for name in migration.left_out() {
            context.output.note(&format!(
                "the deleted project '{name}' is not copied, since commits of it were collected \
                 (`argon gc`); it can be brought back in the source only"
            ));
        }
        if request.dry_run {
            let planned = migration.preview().await?;
            return context.output.result(|| planned_text(&planned), &planned);
        }
        let target = migration.open_target().await?;
        context.opened(&target);
        let progress = Progress(progress::commits(migration.commits()));
        let migrated = migration.run(&target, &progress).await;
        drop(progress);
        if matches!(migrated, Err(argon_service::Failure::Interrupted)) {
            context.output.note("interrupted; the same command continues from here");
        }
        let migrated = migrated?;
        context.output.result(|| text(&migrated), &migrated)
    }
}

/// A bar of commits, until Ctrl-C.
struct Progress(ProgressBar);

impl Watcher for Progress {
    fn advances(&self, units: u64) {
        self.0.inc(units);
    }

    fn interrupt(&self) -> Interrupt {
        Box::pin(async {
            // If signals can't be waited for, the migration ends too.
            let _ = crate::teardown::asked_to_end().await;
        })
    }
}

fn planned_text(planned: &PlannedMigration) -> String {
    let PlannedMigration { source, target, projects, branches, timelines, present, .. } = planned;
    let created = if planned.target_exists { "" } else { ", which would be created" };
    let deleted = match planned.deleted {
        0 => String::new(),
        deleted => format!(" and {}", count(deleted, "deleted project")),
    };
    format!(
        "would copy {} of {} with {}{deleted} on {} from {source} to {target}{created}; {} there already",
        count(planned.commits, "commit"),
        count(*projects, "project"),
        count(*branches, "branch"),
        count(*timelines, "timeline"),
        if *present == 1 { "1 is".to_owned() } else { format!("{} are", grouped(*present)) },
    )
}

fn text(migrated: &MigratedStore) -> String {
    let mut lines: Vec<String> = migrated.branches.iter().map(branch_text).collect();
    lines.extend(migrated.deleted.iter().map(|name| {
        format!(
            "also copied: the deleted project {name}, which `argon project undelete` brings back"
        )
    }));
    let present = match migrated.present {
        0 => String::new(),
        present => format!(" ({} there already)", grouped(present)),
    };
    lines.push(format!(
        "copied {}{present} and {} from {} to {}; {} the same in both",
        count(migrated.commits, "commit"),
        count(migrated.refs, "ref"),
        migrated.source,
        migrated.target,
        count(migrated.branches.len() as u64, "branch"),
    ));
    lines.join("\n")
}

fn branch_text(migrated: &MigratedBranch) -> String {
    let MigratedBranch { project, branch, lsn, collections, short_digest, .. } = migrated;
    let compared = match collections {
        0 => String::new(),
        number => format!(", documents of {} compared", count(*number, "collection")),
    };
    format!("same: {project}/{branch} at LSN {lsn}, digest {short_digest}{compared}")
}
