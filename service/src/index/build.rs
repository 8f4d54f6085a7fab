use argon_core::Branch;
use argon_core::model::CollectionName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::create::name;
use crate::Result;

/// Make the entries of indexes that have none, such as those of an older store or a merge.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct BuildIndexes {
    /// The collection; without it, all of the branch.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub collection: Option<CollectionName>,
}

/// An index that had no entries.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BuiltIndex {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The name of the index.
    pub index: String,
    /// Why queries still can't use the index; null if they can.
    pub unbuilt: Option<String>,
}

/// Makes the entries of the indexes of a branch that have none, and ends those that no definition needs
/// any more. Makes no commit.
///
/// # Errors
/// `NotFound` if the collection does not exist; `Invalid` if a document can't be indexed.
pub async fn build(branch: &Branch, request: BuildIndexes) -> Result<Vec<BuiltIndex>> {
    let collections = match request.collection {
        Some(collection) => vec![collection],
        None => branch.head().await?.collections().map(|info| info.name.clone()).collect(),
    };
    let mut built = Vec::new();
    for collection in collections {
        for index in branch.build_indexes(&collection).await? {
            built.push(BuiltIndex {
                collection: collection.clone(),
                index: name(&index.definition),
                unbuilt: index.unbuilt,
            });
        }
    }
    Ok(built)
}
