//! `system.indexes.bson`: the index definitions in dumps of MongoDB before 3.0.

use std::collections::BTreeMap;
use std::path::Path;

use bson::Document;

use super::super::{FormatError, Source};

/// Reads the index definitions by collection name, in the order of the file.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Vec<Document>>, FormatError> {
    let wrong = |reason: String| FormatError::CollectionFile { path: path.to_owned(), reason };
    let mut indexes: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    for record in Source::open(path, None)? {
        let record = record.map_err(|bad| wrong(format!("{}: {}", bad.position, bad.reason)))?;
        let index =
            Document::try_from(&*record.document).map_err(|error| wrong(error.to_string()))?;
        // The database may have been renamed; only the collection matters.
        let namespace = index.get_str("ns").unwrap_or_default();
        let Some((_, collection)) = namespace.split_once('.') else {
            return Err(wrong(format!("an index has the namespace '{namespace}'")));
        };
        if index.get_document("key").is_err() || index.get_str("name").is_err() {
            return Err(wrong(format!("an index of {namespace} lacks a key or a name")));
        }
        indexes.entry(collection.to_owned()).or_default().push(index);
    }
    Ok(indexes)
}
