use argon_core::State;
use argon_core::model::CollectionName;
use futures::{Stream, StreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Failure, Result};

/// Count the documents of a collection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CountDocuments {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
}

/// How many documents a collection has.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CountedCollection {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// How many documents it has.
    pub documents: u64,
}

/// Counts the documents of a collection.
///
/// # Errors
/// `NotFound` if it is not there.
pub async fn count_one(state: &State, request: CountDocuments) -> Result<CountedCollection> {
    let collection = request.collection;
    let documents = state.collection(&collection)?.count().await?;
    Ok(CountedCollection { collection, documents })
}

/// Counts the documents of each collection, which is given as soon as that is done.
pub fn count(state: &State) -> impl Stream<Item = Result<CountedCollection, Failure>> + Send + '_ {
    stream::iter(state.collections()).then(move |info| async move {
        count_one(state, CountDocuments { collection: info.name.clone() }).await
    })
}
