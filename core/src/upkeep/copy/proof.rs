//! Compares a branch in both stores.

use super::Proved;
use crate::model::{BranchName, CollectionName, Digest, ProjectName};
use crate::store::{BranchInfo, State, Store};
use crate::{DetailKey, Error, Result};

/// Compares position and digest of the head, and all documents there, unless the branch is a
/// backup.
///
/// # Errors
/// `Corrupt` if they differ; `Conflict` if the branch has moved concurrently in one of the stores.
pub(super) async fn compare(
    source: &Store,
    target: &Store,
    project: &ProjectName,
    branch: &BranchName,
) -> Result<Proved> {
    let [(ours, from), (theirs, to)] =
        [open(source, project, branch).await?, open(target, project, branch).await?];
    if (ours.head.lsn, ours.head.digest) != (theirs.head.lsn, theirs.head.digest) {
        return Err(Error::conflict(format!(
            "branch '{branch}' of '{project}' is at LSN {} in the source and at LSN {} in the \
             target, because it was written to concurrently; copy again without concurrent writes",
            ours.head.lsn, theirs.head.lsn
        )));
    }
    let mut collections = 0;
    if !branch.is_backup() {
        let digests = digests(&from).await?;
        if digests != self::digests(&to).await? {
            return Err(Error::corrupt(format!(
                "the documents of branch '{branch}' of '{project}' differ between the stores; \
                 check both"
            ))
            .with_detail(DetailKey::Project, project.as_str())
            .with_detail(DetailKey::Branch, branch.as_str()));
        }
        collections = digests.len() as u64;
    }
    let (project, branch) = (project.clone(), branch.clone());
    Ok(Proved { project, branch, lsn: ours.head.lsn, digest: ours.head.digest, collections })
}

async fn open(
    store: &Store,
    project: &ProjectName,
    branch: &BranchName,
) -> Result<(BranchInfo, State)> {
    let branch = store.project(project).await?.branch(branch).await?;
    Ok((branch.info().await?, branch.head().await?))
}

async fn digests(state: &State) -> Result<Vec<(CollectionName, Digest)>> {
    let mut digests = Vec::new();
    for info in state.collections() {
        digests.push((info.name.clone(), state.collection(&info.name)?.digest().await?));
    }
    Ok(digests)
}
