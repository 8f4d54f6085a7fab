use argon_core::State;
use argon_core::model::{CollectionName, Document};
use futures::{Stream, StreamExt, TryStreamExt, future};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Failure, Result};

/// Read the documents of a collection in the order of their `_id`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct FindDocuments {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The number of documents to leave out first.
    #[serde(default)]
    pub skip: usize,
    /// The maximum number of documents.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// Reads the documents of a collection, each as soon as it is read. A front end shows them as
/// [`ExtJson`](crate::json::ExtJson).
///
/// # Errors
/// `NotFound` if the collection is not there.
pub fn find(
    state: &State,
    request: &FindDocuments,
) -> Result<impl Stream<Item = Result<Document, Failure>> + Send + use<>> {
    let documents = state.collection(&request.collection)?.scan();
    let mut to_skip = request.skip;
    let skipped = documents.try_filter(move |_| {
        let is_wanted = to_skip == 0;
        to_skip = to_skip.saturating_sub(1);
        future::ready(is_wanted)
    });
    Ok(skipped.take(request.limit.unwrap_or(usize::MAX)).map_err(Failure::from))
}
