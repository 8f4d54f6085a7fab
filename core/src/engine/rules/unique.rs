//! Unique indexes.

use bson::{Bson, Document};

use crate::document::key::Key;
use crate::document::{Index, IndexField};
use crate::engine::catalog::CollectionInfo;
use crate::{DetailKey, Digest, Error};

/// A unique index.
#[derive(Debug)]
pub(crate) struct UniqueIndex {
    pub(crate) index: Index,
    /// What its entries are determined by.
    pub(crate) identity: Digest,
}

/// The error about a document with a key of a unique index that another document has. Nothing is enforced
/// on a masked branch, so the key is never one of originals that a mask hides.
pub(crate) fn duplicate(
    info: &CollectionInfo,
    index: &Index,
    key: &[u8],
    id: &Key,
    other: &Key,
) -> Error {
    let fields: Vec<&str> = index.fields().iter().map(IndexField::path).collect();
    let error = Error::already_exists(format!(
        "document {id} has the same {} as document {other} in collection '{}', which the unique \
         index '{}' forbids",
        fields.join(" and "),
        info.name,
        index.name()
    ))
    .with_detail(DetailKey::Collection, info.name.as_str())
    .with_detail(DetailKey::Id, id.to_string())
    .with_detail(DetailKey::Index, index.name())
    .with_detail(DetailKey::KeyPattern, extended_json(index.key_pattern().clone()))
    .with_code(11_000, "DuplicateKey");
    match index.values_of(key) {
        Some(values) => error.with_detail(DetailKey::KeyValue, extended_json(values)),
        None => error,
    }
}

fn extended_json(document: Document) -> String {
    Bson::Document(document).into_relaxed_extjson().to_string()
}

#[cfg(test)]
mod tests {
    use bson::{DateTime, doc};

    use super::*;

    #[test]
    fn the_values_of_a_duplicate_key_are_extended_json() {
        let values = doc! {
            "a": f64::NAN, "b": f64::NEG_INFINITY, "c": 1_i64 << 40, "d": 0.5,
            "e": DateTime::from_millis(0), "f": [f64::INFINITY], "g": { "h": "x" },
        };
        assert_eq!(
            extended_json(values),
            concat!(
                r#"{"a":{"$numberDouble":"NaN"},"b":{"$numberDouble":"-Infinity"},"#,
                r#""c":1099511627776,"d":0.5,"e":{"$date":"1970-01-01T00:00:00Z"},"#,
                r#""f":[{"$numberDouble":"Infinity"}],"g":{"h":"x"}}"#
            )
        );
    }
}
