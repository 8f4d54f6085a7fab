use argon_core::fsck;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OpenStore, Result};

/// Check the whole store: the log against its hash chain, all other data against the log.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CheckStore {
    /// Whether to rebuild damaged snapshots and entries of indexes from the log.
    #[serde(default)]
    pub rebuild: bool,
}

/// What a check of a store read and found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckedStore {
    /// The URL of the store, without a password.
    pub store: String,
    /// The number of projects.
    pub projects: u64,
    /// The number of branches, backups included.
    pub branches: u64,
    /// The number of pins.
    pub pins: u64,
    /// The number of plans, closed ones included.
    pub plans: u64,
    /// The number of timelines.
    pub timelines: u64,
    /// The number of commits.
    pub commits: u64,
    /// The number of images of documents in these commits.
    pub images: u64,
    /// The number of snapshots.
    pub snapshots: u64,
    /// The number of indexes, of all branches.
    pub indexes: u64,
    /// The problems.
    pub problems: Vec<Problem>,
}

/// A problem in a store.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Problem {
    /// What is wrong, and where.
    pub what: String,
    /// The branches that read the damaged data, as `project/branch`.
    pub affects: Vec<String>,
    /// Whether it was repaired.
    pub repaired: bool,
}

impl CheckedStore {
    /// The number of problems that remain.
    pub fn remaining(&self) -> usize {
        self.problems.iter().filter(|problem| !problem.repaired).count()
    }
}

/// Checks a whole store in O(data) time and bounded memory. Calls `progress` with the number of checked commits.
///
/// # Errors
/// Those of a store that can't be read at all; damage is part of the result.
pub async fn fsck(
    opened: &OpenStore,
    request: CheckStore,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<CheckedStore> {
    let report = fsck::fsck(&opened.store, request.rebuild, progress).await?;
    let problems = report.problems.into_iter().map(|problem| {
        let fsck::Problem { what, affects, repaired } = problem;
        Problem { what, affects, repaired }
    });
    Ok(CheckedStore {
        store: opened.place.url.to_string(),
        projects: report.projects,
        branches: report.branches,
        pins: report.pins,
        plans: report.plans,
        timelines: report.timelines,
        commits: report.commits,
        images: report.images,
        snapshots: report.snapshots,
        indexes: report.indexes,
        problems: problems.collect(),
    })
}
