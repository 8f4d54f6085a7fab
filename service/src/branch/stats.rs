use argon_core::State;
use argon_core::model::BranchName;
use argon_core::storage::Compression;
use futures::TryStreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Result, Workspace};

/// Count the commits and documents of a branch.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CountBranch {
    /// The branch; default: the current one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub branch: Option<BranchName>,
}

/// The content of a branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BranchStats {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The number of commits.
    pub commits: u64,
    /// The number of changes of documents in them.
    pub changes: u64,
    /// The number of documents at the head.
    pub documents: u64,
    /// The bytes of these documents as BSON.
    pub bytes: u64,
    /// The number of deltas of its own timeline, in a store that has deltas.
    pub deltas: Option<u64>,
    /// The bytes of their commits divided by the bytes of the deltas.
    pub ratio: Option<f64>,
    /// The bytes of the deltas.
    #[serde(skip)]
    pub packed_bytes: Option<u64>,
}

/// Counts the content of a branch. Reads the headers of all commits, and all documents of the head.
///
/// # Errors
/// `NotFound` if the branch does not exist.
pub async fn stats(workspace: &mut Workspace, request: CountBranch) -> Result<BranchStats> {
    if let Some(branch) = request.branch {
        workspace.branch = branch;
    }
    let head = workspace.branch().await?.head().await?;
    let mut stats = BranchStats {
        branch: workspace.branch.clone(),
        commits: 0,
        changes: 0,
        documents: 0,
        bytes: 0,
        deltas: None,
        ratio: None,
        packed_bytes: None,
    };
    stats.count(&head).await?;
    if let Some(point) = head.view().point() {
        let packed = workspace.opened.store.compression(point.timeline).await?;
        stats.deltas = packed.map(|packed| packed.objects);
        stats.ratio = packed.as_ref().map(Compression::ratio);
        stats.packed_bytes = packed.map(|packed| packed.stored_bytes);
    }
    Ok(stats)
}

impl BranchStats {
    async fn count(&mut self, head: &State) -> Result {
        let mut commits = argon_core::log::headers(head);
        while let Some(commit) = commits.try_next().await? {
            self.commits += 1;
            self.changes += commit.changes.len() as u64;
        }
        for info in head.collections() {
            let mut documents = head.collection(&info.name)?.scan();
            while let Some(document) = documents.try_next().await? {
                self.documents += 1;
                self.bytes += document.as_raw().as_bytes().len() as u64;
            }
        }
        Ok(())
    }
}
