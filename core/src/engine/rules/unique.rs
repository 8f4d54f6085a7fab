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

/// The error about a document with a value of a unique index that another document has.
pub(crate) fn duplicate(info: &CollectionInfo, index: &Index, id: &Key, other: &Key) -> Error {
    let fields: Vec<&str> = index.fields().iter().map(IndexField::path).collect();
    Error::already_exists(format!(
        "document {id} has the same {} as document {other} in collection '{}', which the unique \
         index '{}' forbids",
        fields.join(" and "),
        info.name,
        index.name()
    ))
    .with_detail(DetailKey::Collection, info.name.as_str())
    .with_detail(DetailKey::Id, id.to_string())
    .with_detail(DetailKey::Index, index.name())
    .with_code(11_000, "DuplicateKey")
}
