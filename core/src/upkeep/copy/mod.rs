//! Copies history from one store to another, whatever their backends.
//!
//! Timelines keep their identities, positions and digests, so the copy is the same history: an
//! interrupted copy can be resumed, and a second one adds later commits. The source is only read.
//!
//! The order makes an interruption harmless: timelines after their ancestors, then pins, plans and
//! branches, and each project's own record last, so that a project is visible completely or not at
//! all. Until then nothing retains the copied timelines in the target, so no garbage collection may
//! run there meanwhile. Deleted projects that can be restored are copied as deleted.

mod log;
mod proof;
mod reach;

use crate::model::{BranchName, Digest, Lsn, ProjectName};
use crate::storage::{CasResult, RefName, TimelineState};
use crate::store::{Store, records};
use crate::{Error, Result};

/// The data to copy: all that the branches, pins and open plans of some projects reach.
pub struct Plan {
    source: Store,
    projects: Vec<Copied>,
    deleted: Vec<Copied>,
    left_out: Vec<ProjectName>,
    /// Ancestors first.
    timelines: Vec<TimelineState>,
}

/// A project with its refs.
struct Copied {
    name: ProjectName,
    record: (RefName, Vec<u8>),
    /// Pins and plans before branches.
    refs: Vec<(RefName, Vec<u8>)>,
    branches: Vec<BranchName>,
}

/// The size of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The number of projects.
    pub projects: u64,
    /// The number of deleted projects, which can be restored in either store.
    pub deleted: u64,
    /// The number of branches of existing projects, including backups.
    pub branches: u64,
    /// The number of timelines with commits or a seal.
    pub timelines: u64,
    /// The number of commits of these timelines.
    pub commits: u64,
}

/// The result of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of written commits.
    pub commits: u64,
    /// The number of commits that were already present, with the same digests.
    pub present: u64,
    /// The number of written refs.
    pub refs: u64,
    /// The branches, each compared in both stores.
    pub branches: Vec<Proved>,
    /// The copied deleted projects.
    pub deleted: Vec<ProjectName>,
}

/// A branch that is equal in both stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// The project.
    pub project: ProjectName,
    /// The name.
    pub branch: BranchName,
    /// The last commit.
    pub lsn: Lsn,
    /// The digest of that commit, which covers all before it.
    pub digest: Digest,
    /// The number of collections at its head whose documents were read and compared in both stores;
    /// 0 for a backup.
    pub collections: u64,
}

/// Plans the copy of one project, or of all, including deleted ones.
///
/// # Errors
/// `NotFound` if the project does not exist; `Unsupported` if required commits were
/// [collected](crate::gc), because a history is copied completely or not at all.
pub async fn plan(source: &Store, project: Option<&ProjectName>) -> Result<Plan> {
    reach::plan(source, project).await
}

impl Plan {
    /// The size of the copy.
    pub fn extent(&self) -> Extent {
        let own = |state: &TimelineState| state.head.lsn.get() - state.timeline.base_lsn().get();
        Extent {
            projects: self.projects.len() as u64,
            deleted: self.deleted.len() as u64,
            branches: self.projects.iter().map(|project| project.branches.len() as u64).sum(),
            timelines: self.timelines.len() as u64,
            commits: self.timelines.iter().map(own).sum(),
        }
    }

    /// The deleted projects that are not copied, because required commits were
    /// [collected](crate::gc): they can only be restored in the source.
    pub fn left_out(&self) -> &[ProjectName] {
        &self.left_out
    }

    /// The number of commits that the target already has. Changes nothing, and fails in the same
    /// cases as [`run`](Plan::run) before its first write.
    ///
    /// # Errors
    /// `Conflict` if the target has another history or another record under the same name.
    pub async fn present_in(&self, target: &Store) -> Result<u64> {
        for (name, value) in self.refs() {
            refuse_another(target, name, value).await?;
        }
        let mut present = 0;
        for state in &self.timelines {
            let head = log::common(&self.source, target, state).await?;
            present += head.lsn.get() - state.timeline.base_lsn().get();
        }
        Ok(present)
    }

    /// Copies, and then compares every branch in both stores. `progress` receives the number of
    /// commits in the target. O(data), in the memory of one batch of commits.
    ///
    /// # Errors
    /// As for [`present_in`](Plan::present_in); `Corrupt` if the source's log does not match its
    /// digests, or the copy differs from the source; the errors of the target. Copied data stays,
    /// and the same copy can be resumed.
    #[tracing::instrument(level = "info", skip_all, name = "copy")]
    pub async fn run(&self, target: &Store, progress: &dyn Fn(u64)) -> Result<Report> {
        let mut report = Report { present: self.present_in(target).await?, ..Report::default() };
        for state in &self.timelines {
            let present = report.present;
            let report_commits = |commits| progress(present + commits);
            log::copy(&self.source, target, state, &mut report.commits, &report_commits).await?;
        }
        for (name, value) in self.refs() {
            report.refs += write(target, name, value).await?;
        }
        report.deleted = self.deleted.iter().map(|project| project.name.clone()).collect();
        for project in &self.projects {
            for branch in &project.branches {
                report
                    .branches
                    .push(proof::compare(&self.source, target, &project.name, branch).await?);
            }
        }
        Ok(report)
    }

    fn refs(&self) -> impl Iterator<Item = &(RefName, Vec<u8>)> {
        self.projects
            .iter()
            .chain(&self.deleted)
            .flat_map(|project| project.refs.iter().chain(std::iter::once(&project.record)))
    }
}

/// Returns whether a store already has this ref, with the same value.
async fn refuse_another(target: &Store, name: &str, value: &[u8]) -> Result<bool> {
    match target.shared.backend.refs.get(name).await? {
        None => Ok(false),
        Some(stored) if stored.value == value => Ok(true),
        Some(_) => Err(another(name)),
    }
}

/// Creates a ref; returns the number of written refs. After a lost answer, it reads the ref.
async fn write(target: &Store, name: &str, value: &[u8]) -> Result<u64> {
    if refuse_another(target, name, value).await? {
        return Ok(0);
    }
    let refs = &target.shared.backend.refs;
    match refs.compare_and_set(name, None, Some(value.to_vec())).await {
        Ok(CasResult::Done(_)) => Ok(1),
        Ok(CasResult::Moved(Some(other))) if other.value == value => Ok(0),
        Ok(CasResult::Moved(_)) => Err(another(name)),
        Err(error) if error.kind() == crate::ErrorKind::Indeterminate => {
            if refuse_another(target, name, value).await? { Ok(1) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

fn another(name: &str) -> Error {
    let what = match name.strip_prefix(records::PROJECTS) {
        Some(project) => format!("a different project '{project}'"),
        None => {
            format!("a different record '{name}', which was changed in one of the stores since")
        }
    };
    Error::conflict(format!(
        "the target has {what}; copy into another store, or delete the project in the target first"
    ))
}
