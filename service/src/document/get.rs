use argon_core::model::{CollectionName, Document};
use argon_core::{Error, State};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result;
use crate::json::Id;

/// Read one document.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct GetDocument {
    /// Its collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Its `_id`.
    pub id: Id,
}

/// Reads one document. A front end shows it as [`ExtJson`](crate::json::ExtJson).
///
/// # Errors
/// `NotFound` if it or its collection is not there.
pub async fn get(state: &State, request: GetDocument) -> Result<Document> {
    let GetDocument { collection, id: Id(id) } = request;
    let document = state.collection(&collection)?.get(&id).await?;
    document.ok_or_else(|| {
        let lsn = state.lsn();
        Error::not_found(format!(
            "collection '{collection}' has no document with _id {id} at LSN {lsn}"
        ))
        .into()
    })
}
