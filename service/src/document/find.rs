use argon_core::State;
use argon_core::model::CollectionName;
use argon_query::find::{Find, FindCommand};
use argon_query::pipeline::Row;
use futures::{Stream, StreamExt};
use schemars::JsonSchema;
use serde::Deserialize;

use super::evaluation::{execution, one_by_one};
use crate::json::{HintValue, QueryDocument};
use crate::{Failure, Result};

/// Read the documents of a collection that match a filter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct FindDocuments {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The filter; without it, all documents match.
    #[serde(default)]
    pub filter: QueryDocument,
    /// The fields to give; without it, all.
    #[serde(default)]
    pub projection: QueryDocument,
    /// The order; without it, that in which they are read: of the `_id`s, or of an index.
    #[serde(default)]
    pub sort: QueryDocument,
    /// The number of documents to leave out first.
    #[serde(default)]
    pub skip: u64,
    /// The maximum number of documents.
    #[serde(default)]
    pub limit: Option<u64>,
    /// The order of texts; without it, byte by byte.
    #[serde(default)]
    pub collation: QueryDocument,
    /// The index to read by: its name, its key, or `{$natural: 1}` for none.
    #[serde(default)]
    pub hint: Option<HintValue>,
}

/// Reads documents, each as soon as it is known to be the next. A front end shows them as
/// [`ExtJson`](crate::json::ExtJson).
///
/// # Errors
/// `NotFound` if the collection is not there; `Invalid` for a malformed query, with MongoDB's code.
pub fn find(
    state: &State,
    request: FindDocuments,
) -> Result<impl Stream<Item = Result<Row, Failure>> + Send + use<>> {
    state.collection(&request.collection)?;
    let (collection, limit) = (request.collection.clone(), request.limit);
    let find = Find::compile(&command(request))?;
    let batches = find.run(collection.as_str(), &execution(state));
    // To MongoDB a limit of 0 is none.
    let most = if limit == Some(0) { 0 } else { usize::MAX };
    Ok(one_by_one(batches).take(most))
}

/// The query of a request.
pub(super) fn command(request: FindDocuments) -> FindCommand {
    FindCommand {
        filter: request.filter.0,
        projection: request.projection.0,
        sort: request.sort.0,
        skip: request.skip,
        limit: request.limit.unwrap_or_default(),
        collation: request.collation.0,
        hint: request.hint.map(|hint| hint.0),
        ..FindCommand::default()
    }
}
