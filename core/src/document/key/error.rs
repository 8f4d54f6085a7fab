//! Why a value can't be a key, or bytes are not one.

use thiserror::Error;

/// Why a value can't be an `_id`, or bytes are not a key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// MongoDB refuses this type as an `_id` too.
    #[error("an _id can't be {found}: use another type, or put the value into a document")]
    UnsupportedType {
        /// The type, with its article.
        found: &'static str,
    },
    /// The key would be longer than a backend can be relied on to store.
    #[error(
        "the _id takes {found} bytes as a key and at most {limit} are possible: \
         use a shorter _id, such as a digest of this one"
    )]
    TooLong {
        /// Bytes of the key.
        found: usize,
        /// Bytes of the longest key.
        limit: usize,
    },
    /// Documents, arrays and scopes are nested too deep.
    #[error("the _id is nested more than {limit} levels deep: use a flatter one")]
    TooDeep {
        /// Levels allowed.
        limit: usize,
    },
    /// A document inside the `_id` has two fields of one name, so it is not one value.
    #[error("the _id has two fields named {name:?} in one document: rename or drop one")]
    DuplicateField {
        /// The repeated name.
        name: String,
    },
    /// The value is not BSON, or can't be written as BSON.
    #[error("the _id is not valid BSON: write the document again from its source")]
    InvalidBson {
        /// What `bson` says about it.
        #[from]
        source: bson::error::Error,
    },
    /// Bytes that are not a key.
    #[error(
        "not a key: at byte {offset}, expected {expected}: \
         the store is damaged or was written by another version"
    )]
    Malformed {
        /// Where, counted from the start of the key.
        offset: usize,
        /// What a key has there.
        expected: &'static str,
    },
}

impl From<KeyError> for crate::Error {
    /// A key is made of what a caller gave, so an error is of kind `Invalid`.
    fn from(source: KeyError) -> Self {
        crate::Error::invalid(format!("the _id can't be used: {source}")).with_source(source)
    }
}
