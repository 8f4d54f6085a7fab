use std::path::PathBuf;

use argon_core::model::CollectionName;
use argon_core::{Error, Revision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Lock, content};
use crate::{Failure, Hint, Result, Workspace, json};

/// Write a lock file for a collection of a branch.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PinCollection {
    /// The lock file, such as `users.argon`.
    pub file: PathBuf,
    /// The collection; without it, the one that the file is named after.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub collection: Option<CollectionName>,
    /// A state of the branch; without it, its head.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
}

/// A lock file that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PinnedLock {
    /// The file.
    pub file: String,
    /// What it says.
    #[serde(flatten)]
    pub lock: Lock,
}

/// Writes a lock file, and the parameters of its directory.
///
/// # Errors
/// `NotFound` if the state does not have the collection; `Invalid` if the state is not one of the branch; those of
/// writing.
pub async fn pin(workspace: &Workspace, request: PinCollection) -> Result<PinnedLock> {
    let PinCollection { file, collection, revision } = request;
    let Workspace { project, branch, .. } = workspace;
    let collection = match collection {
        Some(collection) => collection,
        None => {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            CollectionName::new(stem).map_err(|error| {
                let context = format!("{} can't name a collection: {error}", file.display());
                Failure::from(Error::invalid(context)).hint(Hint::NameCollection)
            })?
        }
    };
    workspace.branch().await?;
    let state = content::state(project, branch, revision.as_ref()).await?;
    let lock = content::lock(project, branch, &collection, &state).await?;
    lock.write(&file)?;
    Ok(PinnedLock { file: file.display().to_string(), lock })
}
