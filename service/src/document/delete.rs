use argon_core::Branch;
use argon_core::key::Key;
use argon_core::model::{BranchName, CollectionName};
use argon_core::write::Precondition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::collections::Signature;
use crate::json::Id;

/// Delete documents by their `_id` in one commit: all of them, or none if one does not exist.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeleteDocuments {
    /// Their collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Their `_id`s; repeated ones count once.
    pub ids: Vec<Id>,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// Documents that were deleted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeletedDocuments {
    /// The branch that has the commit.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Their collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The number of deleted documents.
    pub deleted: u64,
    /// The commit.
    pub lsn: u64,
}

/// Deletes documents.
///
/// # Errors
/// `NotFound` if one does not exist; nothing is deleted then.
pub async fn delete(branch: &Branch, request: DeleteDocuments) -> Result<DeletedDocuments> {
    let DeleteDocuments { collection, ids, signature } = request;
    let mut ids: Vec<Key> = ids.into_iter().map(|Id(id)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut request = signature.request(branch);
    for id in ids {
        request.delete(collection.clone(), id, Precondition::Present);
    }
    let receipt = branch.commit(request).await?.committed()?;
    Ok(DeletedDocuments {
        branch: branch.name().clone(),
        collection,
        deleted: receipt.changed as u64,
        lsn: receipt.lsn.get(),
    })
}
