use argon_core::Branch;
use argon_core::model::{BranchName, CollectionName};
use argon_formats::extjson::Mode;
use bson::{Bson, Document};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::collections::Signature;
use crate::json::{ExtJson, QueryDocument};

/// Create an index, and the entries of all documents.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateIndex {
    /// The collection; it is created if required.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The definition in the format of MongoDB's `createIndexes`: `key`, and options such as `name`
    /// and `unique`.
    pub definition: QueryDocument,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// An index that a collection has.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CreatedIndex {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The name of the index.
    pub index: String,
    /// The definition.
    pub definition: ExtJson,
    /// The commit; null if the collection had the index already.
    pub lsn: Option<u64>,
    /// Why queries can't use the index; null if they can.
    pub unbuilt: Option<String>,
}

/// Creates an index.
///
/// # Errors
/// `AlreadyExists` if the index is unique and two documents have one value; `Invalid` for a malformed
/// definition, and for one that contradicts another index, with MongoDB's code.
pub async fn create(branch: &Branch, request: CreateIndex) -> Result<CreatedIndex> {
    let CreateIndex { collection, definition, signature } = request;
    let created =
        branch.create_index(&collection, definition.0, &signature.request(branch)).await?;
    Ok(CreatedIndex {
        branch: branch.name().clone(),
        collection,
        index: name(&created.definition),
        definition: value(&created.definition),
        lsn: created.commit.map(|receipt| receipt.lsn.get()),
        unbuilt: created.unbuilt,
    })
}

pub(super) fn name(definition: &Document) -> String {
    definition.get_str("name").unwrap_or_default().to_owned()
}

pub(super) fn value(definition: &Document) -> ExtJson {
    ExtJson::bson(&Bson::Document(definition.clone()), Mode::Relaxed)
}
