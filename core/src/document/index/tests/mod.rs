//! Tests of indexes: definitions, and the keys of each kind.

mod btree;
mod compile;
mod order;
mod wildcard;

use std::collections::BTreeSet;

use bson::{Bson, Document, RawBson, RawDocumentBuf, doc};

use super::{Entries, Index};
use crate::Result;
use crate::document::key::encode;

fn index(definition: &Document) -> Index {
    Index::compile(definition, &doc! {}).unwrap()
}

fn index_on(key: Document) -> Index {
    index(&doc! { "key": key, "name": "i" })
}

fn entries(index: &Index, document: &Document) -> Result<Entries> {
    index.entries_of(&RawDocumentBuf::try_from(document).unwrap())
}

/// The encoding of values, one after the other.
fn encoded(values: Vec<Bson>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        let value = RawBson::try_from(value).unwrap();
        encode(value.as_raw_bson_ref(), &mut bytes).unwrap();
    }
    bytes
}

fn keys(keys: Vec<Vec<Bson>>) -> BTreeSet<Vec<u8>> {
    keys.into_iter().map(encoded).collect()
}
