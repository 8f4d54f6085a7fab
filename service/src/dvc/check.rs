use std::path::PathBuf;

use argon_core::{ErrorKind, Project};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Lock, content};
use crate::{Failure, OpenStore, Result};

/// Check that the store still has what a lock file says.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CheckLock {
    /// The lock file.
    pub file: PathBuf,
}

/// A lock file, and whether it holds.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckedLock {
    /// The file.
    pub file: String,
    /// Whether it holds.
    pub status: LockStatus,
    /// Why it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub lock: Lock,
}

/// Whether a lock file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockStatus {
    /// The state has this content, and so does the head of the branch.
    Current,
    /// The state has this content, and the head of the branch has other content.
    Behind,
    /// The state has other content.
    Changed,
    /// The state, its branch, its project or the collection in it does not exist any more.
    Missing,
}

impl LockStatus {
    /// Whether the store has what the lock file says.
    pub fn holds(self) -> bool {
        matches!(self, Self::Current | Self::Behind)
    }
}

/// Checks a lock file.
///
/// # Errors
/// `NotFound` if there is no such file; `Invalid` for what is not a lock file; those of reading the store.
pub async fn check(opened: &OpenStore, request: CheckLock) -> Result<CheckedLock> {
    let lock = Lock::read(&request.file)?;
    let (status, problem) = match status(opened, &lock).await {
        Ok(status) => status,
        Err(Failure::Error { error, .. }) if error.kind() == ErrorKind::NotFound => {
            (LockStatus::Missing, Some(error.to_string()))
        }
        Err(failure) => return Err(failure),
    };
    Ok(CheckedLock { file: request.file.display().to_string(), status, problem, lock })
}

async fn status(opened: &OpenStore, lock: &Lock) -> Result<(LockStatus, Option<String>)> {
    let project = opened.project(Some(&lock.project)).await?;
    let state = content::locked(&project, lock).await?;
    let (revision, collection) = (lock.revision(), &lock.collection);
    match content::digest(&state, collection).await? {
        None => {
            let problem = format!("{revision} has no collection '{collection}'");
            return Ok((LockStatus::Missing, Some(problem)));
        }
        Some(digest) if digest != lock.digest => {
            let problem = format!(
                "{revision} has other content in '{collection}' than the lock file says: digest {digest} instead \
                 of {}",
                lock.digest
            );
            return Ok((LockStatus::Changed, Some(problem)));
        }
        Some(_) => {}
    }
    let is_current = is_current(&project, lock).await?;
    Ok((if is_current { LockStatus::Current } else { LockStatus::Behind }, None))
}

/// Whether the head of the branch has the content that the lock file says.
async fn is_current(project: &Project, lock: &Lock) -> Result<bool> {
    let head = content::state(project, &lock.branch, None).await?;
    Ok(content::digest(&head, &lock.collection).await?.as_ref() == Some(&lock.digest))
}
