//! Indexes: compiled definitions, and the keys that a document has in them.
//!
//! An entry of an index is a key and the `_id` of a document. A key is the encoding of the values
//! of the index's fields ([`encode`](crate::key::encode)), one after the other, those of a
//! descending field with all bits inverted. No encoding begins another, so the byte order of keys
//! is the order of the values by field and direction, and no key begins another.
//!
//! | file | content |
//! | --- | --- |
//! | `compile.rs` | compiles definitions |
//! | `field.rs` | [`IndexField`]: a path, its direction or kind, and its part of a key |
//! | `btree.rs` | the keys of ordinary and hashed indexes |
//! | `wildcard.rs` | the keys of wildcard indexes |
//! | `hash.rs` | [`index_hash`]: the hash of hashed indexes |
//! | `cut.rs` | [`cut`]: limits the length of keys |

mod btree;
mod compile;
mod cut;
mod field;
mod hash;
#[cfg(test)]
mod tests;
mod wildcard;

use std::collections::BTreeSet;

use bson::Document;
use bson::raw::RawDocument;

pub use self::compile::Unindexable;
pub use self::cut::{CUT_PREFIX_BYTES, MOST_KEY_BYTES, cut, is_cut};
pub use self::field::{FieldKind, IndexField};
pub use self::hash::index_hash;
use self::wildcard::Wildcard;
use super::{Filter, Path, Undecided};
use crate::{DetailKey, Digest, Error, Result};

/// A compiled index definition.
///
/// ```
/// use argon_core::document::Index;
/// use bson::{doc, rawdoc};
///
/// # fn main() -> argon_core::Result<()> {
/// let definition = doc! { "key": { "tags": 1, "price": -1 }, "name": "tags_1_price_-1" };
/// let index = Index::compile(&definition, &doc! {})?;
/// let entries = index.entries_of(&rawdoc! { "tags": ["a", "b"], "price": 5 })?;
/// assert_eq!(entries.keys.len(), 2);
/// assert!(entries.multikey);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Index {
    name: String,
    key_pattern: Document,
    fields: Vec<IndexField>,
    /// For an index with the one field `$**`.
    wildcard: Option<Wildcard>,
    unique: bool,
    sparse: bool,
    hidden: bool,
    expire_after_seconds: Option<i64>,
    partial: Option<Partial>,
    identity: Digest,
}

/// The filter of indexed documents.
#[derive(Debug, Clone)]
struct Partial {
    definition: Document,
    filter: Filter,
}

/// The entries of a document in an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// The keys, as they are stored: long ones are [`cut`] already.
    pub keys: BTreeSet<Vec<u8>>,
    /// Whether a path goes through an array or ends at one, even of one element or none.
    pub multikey: bool,
}

/// The keys of a document, unless MongoDB would refuse the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keys {
    Are(Entries),
    /// The values at these two paths are arrays.
    ParallelArrays(String, String),
    /// The value at this path is an array, in a hashed index.
    HashedArray(String),
}

impl Index {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key of the definition, such as `{ "a": 1 }`.
    pub fn key_pattern(&self) -> &Document {
        &self.key_pattern
    }

    /// The fields of the key, of which there is at least one.
    pub fn fields(&self) -> &[IndexField] {
        &self.fields
    }

    /// Whether this is the index on `_id` alone, which every collection has without entries.
    pub fn is_id_index(&self) -> bool {
        matches!(self.fields.as_slice(), [only] if only.path() == "_id" && only.kind().is_ordered())
    }

    /// Whether two documents must not have a common key.
    pub fn is_unique(&self) -> bool {
        self.unique
    }

    /// Whether documents with none of the fields have no entries.
    pub fn is_sparse(&self) -> bool {
        self.sparse
    }

    /// Whether the planner must not use the index.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// The number of seconds after which documents expire.
    pub fn expire_after_seconds(&self) -> Option<i64> {
        self.expire_after_seconds
    }

    /// The `partialFilterExpression`: only documents that match it have entries.
    pub fn filter(&self) -> Option<&Document> {
        self.partial.as_ref().map(|partial| &partial.definition)
    }

    /// Whether a wildcard index has the entries of all values at this path and below it. False for
    /// other indexes.
    pub fn covers(&self, path: &str) -> bool {
        self.wildcard.as_ref().is_some_and(|wildcard| wildcard.covers(&Path::dotted(path)))
    }

    /// Whether the values at each path of a wildcard index are in descending order.
    pub fn has_descending_values(&self) -> bool {
        self.wildcard.as_ref().is_some_and(Wildcard::is_descending)
    }

    /// The digest of what determines the entries: the key with its order and directions, `sparse`,
    /// the partial filter, the wildcard projection, and the version of the format of keys. Indexes
    /// with one identity have the same entries, whatever their names and other options.
    pub fn identity(&self) -> Digest {
        self.identity
    }

    /// The values of a key by field, such as `{ "email": "a" }`, with numbers in their smallest type;
    /// `None` where a key does not hold them: if it was [cut](is_cut), and in hashed and wildcard
    /// indexes.
    pub fn values_of(&self, key: &[u8]) -> Option<Document> {
        if is_cut(key) || !self.fields.iter().all(|field| field.kind().is_ordered()) {
            return None;
        }
        let (mut values, mut rest) = (Document::new(), key);
        for field in &self.fields {
            let (value, length) = field.take(rest)?;
            values.insert(field.path(), value);
            rest = &rest[length..];
        }
        rest.is_empty().then_some(values)
    }

    pub(crate) fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.fields.iter().map(IndexField::as_path)
    }

    /// Returns the entries of a document; none if the partial filter does not match it, or a sparse
    /// index has none of its fields. O(document + elements of its arrays).
    ///
    /// # Errors
    /// `Invalid` with MongoDB's code 171 if two paths go through different arrays, 16766 if one of a
    /// hashed index goes through any; `Corrupt` if the document can't be decoded; `Unsupported` if
    /// the partial filter can't be decided.
    pub fn entries_of(&self, document: &RawDocument) -> Result<Entries> {
        match self.keys_of(document)? {
            Keys::Are(entries) => Ok(entries),
            Keys::ParallelArrays(one, other) => Err(self.refused(
                (171, "CannotIndexParallelArrays"),
                &format!("cannot index parallel arrays [{other}] [{one}]"),
            )),
            Keys::HashedArray(path) => Err(self.refused(
                (16766, "Location16766"),
                &format!("hashed indexes do not support array values; found an array at {path}"),
            )),
        }
    }

    /// [`entries_of`](Self::entries_of), with what MongoDB refuses as values.
    pub(crate) fn keys_of(&self, document: &RawDocument) -> Result<Keys, Undecided> {
        if let Some(partial) = &self.partial
            && !partial.filter.matches(document)?
        {
            return Ok(Keys::Are(Entries::default()));
        }
        match &self.wildcard {
            Some(wildcard) => wildcard.entries_of(document).map(Keys::Are),
            None => btree::keys_of(&self.fields, self.sparse, document),
        }
    }

    /// Returns whether one of the values that a document has in the index is text.
    pub(crate) fn has_text(&self, document: &RawDocument) -> Result<bool, Undecided> {
        self.fields.iter().try_fold(false, |found, field| Ok(found || field.has_text(document)?))
    }

    fn refused(&self, (code, name): (u32, &str), problem: &str) -> Error {
        Error::invalid(format!("index '{}': {problem}", self.name))
            .with_detail(DetailKey::Index, self.name.as_str())
            .with_code(code, name)
    }
}
