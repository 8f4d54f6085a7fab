use argon_core::State;
use argon_core::model::CollectionName;
use futures::{Stream, StreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evaluation::selection;
use crate::json::QueryDocument;
use crate::{Failure, Result};

/// Count the documents of a collection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CountDocuments {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Only those that match this filter; without it, all.
    #[serde(default)]
    pub filter: QueryDocument,
    /// The order of texts; without it, byte by byte.
    #[serde(default)]
    pub collation: QueryDocument,
}

/// How many documents a collection has that match.
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
/// `NotFound` if it is not there; `Invalid` for a malformed filter, with MongoDB's code.
pub async fn count_one(state: &State, request: CountDocuments) -> Result<CountedCollection> {
    let CountDocuments { collection, filter, collation } = request;
    let view = state.collection(&collection)?;
    let documents = if filter.0.is_empty() {
        view.count().await?
    } else {
        let selection = selection(&filter, &collation, state.environment())?;
        selection.count(&view).await?
    };
    Ok(CountedCollection { collection, documents })
}

/// Counts the documents of each collection, which is given as soon as that is done.
pub fn count(state: &State) -> impl Stream<Item = Result<CountedCollection, Failure>> + Send + '_ {
    stream::iter(state.collections()).then(move |info| async move {
        let (filter, collation) = (QueryDocument::default(), QueryDocument::default());
        let collection = info.name.clone();
        count_one(state, CountDocuments { collection, filter, collation }).await
    })
}
