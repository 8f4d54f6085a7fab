use argon_core::Branch;
use argon_core::model::{BranchName, CollectionName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::collections::Signature;

/// Drop an index; past states keep it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DropIndex {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The name of the index.
    pub index: String,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// An index that was dropped.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DroppedIndex {
    /// The branch that has the commit.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The name of the index.
    pub index: String,
    /// The commit.
    pub lsn: u64,
}

/// Drops an index.
///
/// # Errors
/// `NotFound` if the collection has no such index; `Invalid` for the one of `_id`.
pub async fn drop(branch: &Branch, request: DropIndex) -> Result<DroppedIndex> {
    let DropIndex { collection, index, signature } = request;
    let receipt = branch.drop_index(&collection, &index, &signature.request(branch)).await?;
    let branch = branch.name().clone();
    Ok(DroppedIndex { branch, collection, index, lsn: receipt.lsn.get() })
}
