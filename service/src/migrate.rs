//! The history of a store, copied into another.

use std::cell::Cell;
use std::path::PathBuf;

use argon_core::copy::{self, Extent, Plan, Proved, Report};
use argon_core::model::{BranchName, ProjectName};
use argon_core::storage::StoreUrl;
use argon_core::{ErrorKind, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backends::is_remote;
use crate::discover::{Place, absolute, named};
use crate::settings::Settings;
use crate::{Failure, Result, StoreOpener, Watcher, store_link};

/// Copy all history of a store into another, and compare every branch in both.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct MigrateStore {
    /// The store to copy: a URL, a name, or a directory.
    pub source: String,
    /// The store that gets the copy, which is created if it does not exist.
    pub target: String,
    /// The only project to copy; without it, all are copied, and deleted ones too.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub project: Option<ProjectName>,
    /// Whether nothing is copied.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a migration would copy.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlannedMigration {
    /// The URL of the source.
    pub source: String,
    /// The URL of the target.
    pub target: String,
    /// Always true.
    pub dry_run: bool,
    /// The number of projects.
    pub projects: u64,
    /// The number of deleted projects.
    pub deleted: u64,
    /// The deleted projects that can't be copied, since commits of them were collected.
    #[schemars(with = "Vec<String>")]
    pub left_out: Vec<ProjectName>,
    /// The number of branches.
    pub branches: u64,
    /// The number of timelines.
    pub timelines: u64,
    /// The number of commits that would be copied.
    pub commits: u64,
    /// The number of commits that the target has already.
    pub present: u64,
    /// Whether the target exists.
    #[serde(skip)]
    pub target_exists: bool,
}

/// What a migration copied.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MigratedStore {
    /// The URL of the source.
    pub source: String,
    /// The URL of the target.
    pub target: String,
    /// The only project that was copied; none if all were.
    #[schemars(with = "Option<String>")]
    pub project: Option<ProjectName>,
    /// The number of commits that were copied.
    pub commits: u64,
    /// The number of commits that the target had already.
    pub present: u64,
    /// The number of refs that were copied.
    pub refs: u64,
    /// The branches, which are equal in both stores.
    pub branches: Vec<MigratedBranch>,
    /// The deleted projects that were copied, as deleted ones.
    #[schemars(with = "Vec<String>")]
    pub deleted: Vec<ProjectName>,
    /// The deleted projects that were not copied, since commits of them were collected.
    #[schemars(with = "Vec<String>")]
    pub left_out: Vec<ProjectName>,
}

/// A branch that is equal in both stores.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MigratedBranch {
    /// Its project.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The position of its head.
    pub lsn: u64,
    /// The digest of its last commit, which covers all before.
    pub digest: String,
    /// The number of collections at its head whose documents were compared; 0 for a backup.
    pub collections: u64,
    /// The digest as people are shown it.
    #[serde(skip)]
    pub short_digest: String,
}

impl From<Proved> for MigratedBranch {
    fn from(Proved { project, branch, lsn, digest, collections }: Proved) -> Self {
        let (digest, short_digest) = (digest.to_string(), digest.short());
        Self { project, branch, lsn: lsn.get(), digest, collections, short_digest }
    }
}

/// A migration whose source is open.
pub struct Migration<'a> {
    opener: &'a StoreOpener,
    request: &'a MigrateStore,
    from: Place,
    to: Place,
    plan: Plan,
}

/// Opens the source, and finds what there is to copy.
///
/// # Errors
/// `NotFound` if the source or the project does not exist; those of opening.
pub async fn plan<'a>(
    opener: &'a StoreOpener,
    settings: &Settings,
    request: &'a MigrateStore,
) -> Result<Migration<'a>> {
    let [from, to] = [named(&request.source, settings)?, named(&request.target, settings)?];
    let source = opener.open(&from.url).await?;
    let plan = copy::plan(&source, request.project.as_ref()).await?;
    Ok(Migration { opener, request, from, to, plan })
}

impl Migration<'_> {
    /// The deleted projects that can't be copied.
    pub fn left_out(&self) -> &[ProjectName] {
        self.plan.left_out()
    }

    /// The number of commits, those that the target has among them.
    pub fn commits(&self) -> u64 {
        self.plan.extent().commits
    }

    /// Compares source and target without changing anything.
    ///
    /// # Errors
    /// `Conflict` if the target has another history under the same name.
    pub async fn preview(&self) -> Result<PlannedMigration> {
        let present = match self.opener.open(&self.to.url).await {
            Ok(target) => Some(self.plan.present_in(&target).await?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let Extent { projects, deleted, branches, timelines, commits } = self.plan.extent();
        Ok(PlannedMigration {
            source: self.from.url.to_string(),
            target: self.to.url.to_string(),
            dry_run: true,
            projects,
            deleted,
            left_out: self.left_out().to_vec(),
            branches,
            timelines,
            commits: commits - present.unwrap_or_default(),
            present: present.unwrap_or_default(),
            target_exists: present.is_some(),
        })
    }

    /// Opens the target, or creates it. A directory that names the source becomes the target.
    ///
    /// # Errors
    /// Those of opening and creating.
    pub async fn open_target(&self) -> Result<Store> {
        let unlinked = self.unlink_source()?;
        let target = match self.opener.open(&self.to.url).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.opener.create(&self.to.url).await
            }
            opened => opened,
        };
        if let (Err(_), Some((directory, url))) = (&target, &unlinked) {
            store_link::write(directory, url)?;
        }
        Ok(target?)
    }

    /// Removes the file that names the source from the target's directory, and returns both.
    fn unlink_source(&self) -> Result<Option<(PathBuf, StoreUrl)>> {
        let to = &self.to.url;
        if is_remote(to) || to.scheme() == "memory" {
            return Ok(None);
        }
        let directory = PathBuf::from(to.rest());
        let is_source =
            |url: &StoreUrl| absolute(&self.from.url).is_ok_and(|source| source == *url);
        let Some(url) = store_link::read(&directory)?.filter(is_source) else { return Ok(None) };
        store_link::remove(&directory)?;
        Ok(Some((directory, url)))
    }

    /// Copies, until `watcher` interrupts it. The units that it counts are commits.
    ///
    /// # Errors
    /// `Interrupted`; `Conflict` if the target has another history under the same name; those of reading and
    /// writing. After all but the second, the same request continues the migration.
    pub async fn run(&self, target: &Store, watcher: &dyn Watcher) -> Result<MigratedStore> {
        let done = Cell::new(0);
        let progress =
            |commits: u64| watcher.advances(commits.saturating_sub(done.replace(commits)));
        let report = tokio::select! {
            report = self.plan.run(target, &progress) => report?,
            () = watcher.interrupt() => return Err(Failure::Interrupted),
        };
        let Report { commits, present, refs, branches, deleted } = report;
        Ok(MigratedStore {
            source: self.from.url.to_string(),
            target: self.to.url.to_string(),
            project: self.request.project.clone(),
            commits,
            present,
            refs,
            branches: branches.into_iter().map(MigratedBranch::from).collect(),
            deleted,
            left_out: self.left_out().to_vec(),
        })
    }
}
