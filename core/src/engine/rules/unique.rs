//! Unique indexes.

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
    .with_detail(DetailKey::KeyPattern, index.key_pattern().clone())
    .with_code(11_000, "DuplicateKey");
    match index.values_of(key) {
        Some(values) => error.with_detail(DetailKey::KeyValue, values),
        None => error,
    }
}
