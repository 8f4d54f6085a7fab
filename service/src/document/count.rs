use argon_core::State;
use argon_core::model::CollectionName;
use argon_query::plan::Hint;
use futures::{Stream, StreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evaluation::selection;
use crate::json::{HintValue, QueryDocument};
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
    /// The index to read by: its name, its key, or `{$natural: 1}` for none.
    #[serde(default)]
    pub hint: Option<HintValue>,
}

impl CountDocuments {
    /// All documents of a collection.
    pub fn all(collection: CollectionName) -> Self {
        let (filter, collation) = (QueryDocument::default(), QueryDocument::default());
        Self { collection, filter, collation, hint: None }
    }
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
    let CountDocuments { collection, filter, collation, hint } = request;
    let view = state.collection(&collection)?;
    let hint = hint.map(|HintValue(hint)| Hint::compile(&hint)).transpose()?.flatten();
    let documents = if filter.0.is_empty() && hint.is_none() {
        view.count().await?
    } else {
        let selection = selection(&filter, &collation, state.environment())?;
        selection.with_hint(hint).count(&view).await?
    };
    Ok(CountedCollection { collection, documents })
}

/// Counts the documents of each collection, which is given as soon as that is done.
pub fn count(state: &State) -> impl Stream<Item = Result<CountedCollection, Failure>> + Send + '_ {
    stream::iter(state.collections()).then(move |info| async move {
        count_one(state, CountDocuments::all(info.name.clone())).await
    })
}
