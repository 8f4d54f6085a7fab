//! The different values of a field.

use std::collections::BTreeMap;

use argon_core::document::Path;
use argon_core::{CollectionView, Error, Result};
use bson::raw::{RawBson, RawDocument};
use futures::TryStreamExt;

use super::Selection;
use crate::pipeline::Rows;
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
    let mut values = Distinct::new(field, collation)?;
    let mut documents = selection.read(collection);
    while let Some((_, version)) = documents.try_next().await? {
        values.add(version.document.as_raw())?;
    }
    Ok(values.finish())
}

/// Returns the values at a path in rows, as [`distinct`] does.
///
/// # Errors
/// Those of the rows; `Corrupt` if a document can't be decoded.
pub async fn distinct_in(
    mut rows: Rows,
    field: &str,
    collation: Option<&Collation>,
) -> Result<Vec<RawBson>> {
    let mut values = Distinct::new(field, collation)?;
    while let Some(batch) = rows.try_next().await? {
        for row in batch {
            values.add(row.as_raw())?;
        }
    }
    Ok(values.finish())
}

/// The values that were found, by their keys in the order of values.
struct Distinct<'c> {
    path: Path,
    collation: Option<&'c Collation>,
    values: BTreeMap<Vec<u8>, RawBson>,
    bytes: Vec<u8>,
}

impl<'c> Distinct<'c> {
    fn new(field: &str, collation: Option<&'c Collation>) -> Result<Self> {
        if field.is_empty() {
            return Err(
                Code::location(40352).error("FieldPath cannot be constructed with empty string")
            );
        }
        let (path, values, bytes) = (Path::dotted(field), BTreeMap::new(), Vec::new());
        Ok(Self { path, collation, values, bytes })
    }

    fn add(&mut self, document: &RawDocument) -> Result<()> {
        for value in self.path.elements(document).map_err(Error::from)? {
            self.bytes.clear();
            let comparable =
                self.collation.map(|collation| collation.comparable(value)).transpose()?;
            let compared = comparable.as_ref().map_or(value, RawBson::as_raw_bson_ref);
            encode(compared, &mut self.bytes)?;
            if !self.values.contains_key(&self.bytes) {
                self.values.insert(self.bytes.clone(), to_owned(value));
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<RawBson> {
        self.values.into_values().collect()
    }
}
