use std::path::PathBuf;

use argon_core::{ErrorKind, Project, Revision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Lock, content, parameters};
use crate::{Failure, OpenStore, Result, json};

/// Renew a lock file from its branch.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UpdateLock {
    /// The lock file.
    pub file: PathBuf,
    /// A state of the branch; without it, its head.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
}

/// A lock file, and whether it was renewed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UpdatedLock {
    /// The file.
    pub file: String,
    /// Whether it changed. It stays as it is if the content of the collection is the same.
    pub changed: bool,
    /// What it says now.
    #[serde(flatten)]
    pub lock: Lock,
}

/// Renews a lock file, and the parameters of its directory.
///
/// # Errors
/// `Invalid` for what is not a lock file, and for a state that is not one of the branch; `NotFound` if the state does
/// not have the collection; those of writing.
pub async fn update(opened: &OpenStore, request: UpdateLock) -> Result<UpdatedLock> {
    let UpdateLock { file, revision } = request;
    let old = Lock::read(&file)?;
    let project = opened.project(Some(&old.project)).await?;
    let state = content::state(&project, &old.branch, revision.as_ref()).await?;
    let lock = content::lock(&project, &old.branch, &old.collection, &state).await?;
    let name = file.display().to_string();
    if lock.digest == old.digest && holds(&project, &old).await? {
        parameters::write(parameters::directory_of(&file))?;
        return Ok(UpdatedLock { file: name, changed: false, lock: old });
    }
    lock.write(&file)?;
    Ok(UpdatedLock { file: name, changed: true, lock })
}

/// Whether the store still has what a lock file says.
async fn holds(project: &Project, lock: &Lock) -> Result<bool> {
    let state = match content::locked(project, lock).await {
        Ok(state) => state,
        Err(Failure::Error { error, .. }) if error.kind() == ErrorKind::NotFound => {
            return Ok(false);
        }
        Err(failure) => return Err(failure),
    };
    Ok(content::digest(&state, &lock.collection).await?.as_ref() == Some(&lock.digest))
}
