use argon_core::State;
use argon_core::model::CollectionName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::create::{name, value};
use crate::Result;
use crate::json::ExtJson;

/// List the indexes of a state.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListIndexes {
    /// The collection; without it, all.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub collection: Option<CollectionName>,
}

/// An index.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct IndexInfo {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The name of the index.
    pub index: String,
    /// The definition.
    pub definition: ExtJson,
    /// Why queries of this state can't use the index; null if they can.
    pub unbuilt: Option<String>,
    /// Whether a document had an array in the index; null if queries can't use it.
    pub multikey: Option<bool>,
}

/// Lists indexes by collection, in the order of their creation.
///
/// # Errors
/// `NotFound` if the collection does not exist.
pub async fn list(state: &State, request: &ListIndexes) -> Result<Vec<IndexInfo>> {
    let collections = match &request.collection {
        Some(collection) => vec![collection.clone()],
        None => state.collections().map(|info| info.name.clone()).collect(),
    };
    let mut found = Vec::new();
    for collection in collections {
        let view = state.collection(&collection)?;
        let indexes = view.indexes().await?;
        for definition in view.info().listed_indexes().iter() {
            let name = name(definition);
            let unreadable = indexes.unreadable.iter().find(|index| index.name == name);
            let mut readable = indexes.readable.iter();
            found.push(IndexInfo {
                collection: collection.clone(),
                definition: value(definition),
                unbuilt: unreadable.map(|index| index.reason.clone()),
                multikey: readable.find(|found| found.index.name() == name).map(|i| i.multikey),
                index: name,
            });
        }
    }
    Ok(found)
}
