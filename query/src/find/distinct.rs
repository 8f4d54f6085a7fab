//! The different values of a field.

use std::collections::BTreeMap;

use argon_core::document::Path;
use argon_core::{CollectionView, Error, Result};
use bson::raw::RawBson;
use futures::TryStreamExt;

use super::Selection;
use crate::value::{encode, to_owned};
use crate::{Code, Collation};

/// Returns the values at a path in the documents that match, each once, in MongoDB's order of
/// values. Of texts that are equal in a collation, the first is returned. Each element of an array is a value, but an array in it is one. Memory: the values.
///
/// # Errors
/// `Corrupt` if a document can't be decoded; the error of the filter, with its code.
pub async fn distinct(
    collection: &CollectionView,
    selection: &Selection,
    field: &str,
    collation: Option<&Collation>,
) -> Result<Vec<RawBson>> {
    if field.is_empty() {
        return Err(
            Code::location(40352).error("FieldPath cannot be constructed with empty string")
        );
    }
    let path = Path::dotted(field);
    let mut values = BTreeMap::new();
    let mut documents = selection.read(collection);
    let mut bytes = Vec::new();
    while let Some((_, version)) = documents.try_next().await? {
        for value in path.elements(version.document.as_raw()).map_err(Error::from)? {
            bytes.clear();
            let comparable = collation.map(|collation| collation.comparable(value)).transpose()?;
            let compared = comparable.as_ref().map_or(value, RawBson::as_raw_bson_ref);
            encode(compared, &mut bytes)?;
            if !values.contains_key(&bytes) {
                values.insert(bytes.clone(), to_owned(value));
            }
        }
    }
    Ok(values.into_values().collect())
}
