use argon_core::State;
use argon_core::model::CollectionName;
use argon_formats::extjson::Mode;
use argon_query::find;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evaluation::selection;
use crate::Result;
use crate::json::{ExtJson, QueryDocument};

/// List the different values of a field in the documents that match a filter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DistinctValues {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The path of the field; each element of an array is a value.
    pub field: String,
    /// The filter; without it, all documents match.
    #[serde(default)]
    pub filter: QueryDocument,
    /// The order of texts, which also says which are equal; without it, byte by byte.
    #[serde(default)]
    pub collation: QueryDocument,
}

/// A value of a field.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DistinctValue {
    /// The value.
    pub value: ExtJson,
}

/// Lists the values of a field, each once, in MongoDB's order of values.
///
/// # Errors
/// `NotFound` if the collection is not there; `Invalid` for a malformed query, with MongoDB's code.
pub async fn distinct(
    state: &State,
    request: DistinctValues,
    mode: Mode,
) -> Result<Vec<DistinctValue>> {
    let collection = state.collection(&request.collection)?;
    let selection = selection(&request.filter, &request.collation, state.environment())?;
    let collation = find::collation_of(&request.collation.0)?;
    let values =
        find::distinct(&collection, &selection, &request.field, collation.as_deref()).await?;
    let values = values
        .iter()
        .map(|value| Ok(DistinctValue { value: ExtJson::value(value.as_raw_bson_ref(), mode)? }));
    values.collect()
}
