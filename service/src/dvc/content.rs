//! The content of a collection in a state.

use argon_core::model::{BranchName, CollectionName, Lsn};
use argon_core::{Error, Project, Revision, State};

use super::Lock;
use crate::Result;

/// The state of a branch that a revision names; its head if none is given.
pub(super) async fn state(
    project: &Project,
    branch: &BranchName,
    at: Option<&Revision>,
) -> Result<State> {
    match at {
        Some(revision) => Ok(revision.resolve(project, branch).await?),
        None => Ok(project.branch(branch).await?.head().await?),
    }
}

/// The digest of a collection; `None` if the state does not have it.
pub(super) async fn digest(state: &State, name: &CollectionName) -> Result<Option<String>> {
    let Some(collection) = state.find_collection(name) else { return Ok(None) };
    Ok(Some(collection.digest().await?.to_string()))
}

/// What a lock file of the collection in this state says.
///
/// # Errors
/// `NotFound` if the state does not have the collection; `Invalid` if it is not one of the branch.
pub(super) async fn lock(
    project: &Project,
    branch: &BranchName,
    collection: &CollectionName,
    state: &State,
) -> Result<Lock> {
    let lsn = state.lsn();
    let Some(digest) = digest(state, collection).await? else {
        let names: Vec<_> = state.collections().map(|info| info.name.to_string()).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let unknown = format!(
            "unknown collection '{collection}' in the state at LSN {lsn}; known collections: {known}"
        );
        return Err(Error::not_found(unknown).into());
    };
    let head = project.branch(branch).await?.head().await?;
    let is_of_branch = lsn <= head.lsn() && is_same(&head.at(lsn).await?, state).await?;
    if !is_of_branch {
        let error =
            format!("the state at LSN {lsn} is not one of the branch '{branch}'; name its branch");
        return Err(Error::invalid(error).into());
    }
    Ok(Lock {
        project: project.name().clone(),
        branch: branch.clone(),
        collection: collection.clone(),
        lsn: lsn.get(),
        digest,
    })
}

async fn is_same(one: &State, other: &State) -> Result<bool> {
    Ok(one.last_digest().await? == other.last_digest().await?)
}

/// The state that a lock file names, if the branch still has it.
///
/// # Errors
/// `NotFound` if it does not.
pub(super) async fn locked(project: &Project, lock: &Lock) -> Result<State> {
    let head = state(project, &lock.branch, None).await?;
    Ok(head.at(Lsn::new(lock.lsn)).await?)
}
