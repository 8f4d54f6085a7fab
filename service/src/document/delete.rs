use argon_core::Branch;
use argon_core::key::Key;
use argon_core::model::{BranchName, CollectionName};
use argon_core::write::{Outcome, Precondition};
use argon_query::commands::DeleteCommand;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unchanged::Unchanged;
use crate::Result;
use crate::collections::Signature;
use crate::json::{HintValue, Id, QueryDocument};

/// Delete documents by their `_id` in one commit: all of them, or none if one does not exist.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeleteDocuments {
    /// Their collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Their `_id`s; repeated ones count once.
    pub ids: Vec<Id>,
    /// The position of a state that was read: a document that was changed or deleted after it is refused.
    #[serde(default)]
    pub if_lsn: Option<u64>,
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
    /// The index to read by: its name, its key, or `{$natural: 1}` for none.
    #[serde(default)]
    pub hint: Option<HintValue>,
    /// Whether only the first document that is read is deleted: by `_id`, or in the order of the index that
    /// is used.
    #[serde(default)]
    pub one: bool,
    /// The position of a state that was read: its documents are deleted, and a document that was changed,
    /// inserted or deleted after it is refused.
    #[serde(default)]
    pub if_lsn: Option<u64>,
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
/// each time, or have changed one after the state that was read.
pub async fn delete_matching(branch: &Branch, request: DeleteMatching) -> Result<DeletedMatching> {
    let command = DeleteCommand {
        filter: request.filter.0.clone(),
        many: !request.one,
        collation: request.collation.0.clone(),
        hint: request.hint.as_ref().map(|hint| hint.0.clone()),
        variables: bson::Document::new(),
    };
    let unchanged = Unchanged::since(branch, request.if_lsn).await?;
    let state = unchanged.as_ref().map(|unchanged| &unchanged.state);
    let signed = || request.signature.request(branch);
    let modified = command.run(branch, &request.collection, state, &signed).await?;
    if let (Some(conflict), Some(unchanged)) = (&modified.conflict, &unchanged) {
        return Err(unchanged.refuse(branch, conflict).await);
    }
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
/// `NotFound` if one does not exist, and `Conflict` if one was changed after the state that was read;
/// nothing is deleted then.
pub async fn delete(branch: &Branch, request: DeleteDocuments) -> Result<DeletedDocuments> {
    let DeleteDocuments { collection, ids, if_lsn, signature } = request;
    let unchanged = Unchanged::since(branch, if_lsn).await?;
    let mut ids: Vec<Key> = ids.into_iter().map(|Id(id)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut request = signature.request(branch);
    let conditions = match &unchanged {
        Some(unchanged) => unchanged.preconditions(&collection, ids.clone()).await?,
        None => vec![Precondition::Present; ids.len()],
    };
    for (id, condition) in ids.into_iter().zip(conditions) {
        if let (Precondition::Absent, Some(unchanged)) = (condition, &unchanged) {
            return Err(unchanged.refuse_absent(branch, &collection, &id).await);
        }
        request.delete(collection.clone(), id, condition);
    }
    let receipt = match (branch.commit(request).await?, &unchanged) {
        (Outcome::Conflict(conflict), Some(unchanged)) => {
            return Err(unchanged.refuse(branch, &conflict).await);
        }
        (outcome, _) => outcome.committed()?,
    };
    Ok(DeletedDocuments {
        branch: branch.name().clone(),
        collection,
        deleted: receipt.changed as u64,
        lsn: receipt.lsn.get(),
    })
}
