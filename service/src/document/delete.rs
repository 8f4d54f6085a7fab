use argon_core::Branch;
use argon_core::key::Key;
use argon_core::model::{BranchName, CollectionName};
use argon_core::write::Precondition;
use argon_query::modify::{Change, Modify};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evaluation::selection;
use crate::Result;
use crate::collections::Signature;
use crate::json::{Id, QueryDocument};

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

/// Delete the documents of a collection that match a filter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeleteMatching {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The filter.
    pub filter: QueryDocument,
    /// The order of texts; without it, byte by byte.
    #[serde(default)]
    pub collation: QueryDocument,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// The documents that matched a filter and were deleted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeletedMatching {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Their collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The number of deleted documents.
    pub deleted: u64,
    /// The commit; null if nothing matched.
    pub lsn: Option<u64>,
}

/// Deletes the documents that match a filter in one commit: all of them, or none.
///
/// # Errors
/// `Invalid` for a malformed filter, with MongoDB's code; `Conflict` if others change the documents
/// each time.
pub async fn delete_matching(branch: &Branch, request: DeleteMatching) -> Result<DeletedMatching> {
    let selection = selection(&request.filter, &request.collation, branch.environment())?;
    let modify = Modify {
        collection: &request.collection,
        selection: &selection,
        many: true,
        change: &|_| Ok(Change::Delete),
        upsert: None,
        request: &|| request.signature.request(branch),
    };
    let modified = modify.run(branch).await?;
    Ok(DeletedMatching {
        branch: branch.name().clone(),
        collection: request.collection,
        deleted: modified.modified,
        lsn: modified.receipt.map(|receipt| receipt.lsn.get()),
    })
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
