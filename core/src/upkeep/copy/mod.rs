//! Copying the history of one store into another, whatever their backends.
//!
//! Timelines keep their identities, positions and digests, so what is copied is the same history: a
//! copy that was cut off goes on where it ended, and a second one adds what has come since. The source
//! is read and nothing else.
//!
//! The order makes a cut harmless: timelines with their ancestors before them, then pins, plans and
//! branches, and each project's own record last, so that a project is seen whole or not at all. Until
//! then nothing holds the copied timelines in the target, so garbage must not be collected there
//! meanwhile. Deleted projects that can be brought back are copied as such.

mod log;
mod proof;
mod reach;

use crate::model::{BranchName, Digest, Lsn, ProjectName};
use crate::storage::{CasResult, RefName, TimelineState};
use crate::store::{Store, records};
use crate::{Error, Result};

/// What is to be copied: all that the branches, pins and open plans of some projects reach.
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

/// How much there is to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Projects.
    pub projects: u64,
    /// Deleted projects, which can be brought back in either store.
    pub deleted: u64,
    /// Branches of projects that are there, backups among them.
    pub branches: u64,
    /// Timelines with commits or a seal.
    pub timelines: u64,
    /// Commits of these timelines.
    pub commits: u64,
}

/// What a copy did, and proved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Commits that were written.
    pub commits: u64,
    /// Commits that were there already, with the same digests.
    pub present: u64,
    /// Refs that were written.
    pub refs: u64,
    /// The branches, each compared in both stores.
    pub branches: Vec<Proved>,
    /// The deleted projects that were copied, as deleted ones.
    pub deleted: Vec<ProjectName>,
}

/// A branch that is the same in both stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Its project.
    pub project: ProjectName,
    /// Its name.
    pub branch: BranchName,
    /// Its last commit.
    pub lsn: Lsn,
    /// The digest of that commit, which covers all before it.
    pub digest: Digest,
    /// The collections at its head whose documents were read in both stores and compared; none for a
    /// backup.
    pub collections: u64,
}

/// Looks at what a store has to copy: one project, or all, deleted ones among them.
///
/// # Errors
/// `NotFound` if there is no such project; `Unsupported` if commits that are needed were
/// [collected](crate::gc): a history is copied whole or not at all.
pub async fn plan(source: &Store, project: Option<&ProjectName>) -> Result<Plan> {
    reach::plan(source, project).await
}

impl Plan {
    /// How much there is to copy.
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

    /// The deleted projects that are not copied, as commits that they need were
    /// [collected](crate::gc): they can be brought back in the source only.
    pub fn left_out(&self) -> &[ProjectName] {
        &self.left_out
    }

    /// How many of the commits a store has already. It changes nothing, and fails as
    /// [`run`](Plan::run) would before it writes anything.
    ///
    /// # Errors
    /// `Conflict` if the store has another history or another record under the same name.
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

    /// Copies, and compares every branch in both stores afterwards. `progress` is told the number of
    /// commits that the target has so far. O(data), with the memory of one batch of commits.
    ///
    /// # Errors
    /// As for [`present_in`](Plan::present_in); `Corrupt` if the source's log does not match its digests,
    /// or the copy is not as the source is; those of the target. What was copied stays, and the same copy
    /// goes on from there.
    #[tracing::instrument(level = "info", skip_all, name = "copy")]
    pub async fn run(&self, target: &Store, progress: &dyn Fn(u64)) -> Result<Report> {
        let mut report = Report { present: self.present_in(target).await?, ..Report::default() };
        for state in &self.timelines {
            let present = report.present;
            let told = |commits| progress(present + commits);
            log::copy(&self.source, target, state, &mut report.commits, &told).await?;
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

/// Whether a store has this very ref already.
async fn refuse_another(target: &Store, name: &str, value: &[u8]) -> Result<bool> {
    match target.shared.backend.refs.get(name).await? {
        None => Ok(false),
        Some(stored) if stored.value == value => Ok(true),
        Some(_) => Err(another(name)),
    }
}

/// Makes a ref; gives how many were written. After a lost answer it is looked for.
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
        Some(project) => format!("a project '{project}' of its own"),
        None => format!("another record '{name}', so it was changed in one of the stores since"),
    };
    Error::conflict(format!(
        "the target has {what}; copy into another store, or delete the project in the target first"
    ))
}
