//! Errors of keys.

use thiserror::Error;

/// The reason why a value can't be an `_id`, or bytes are not a key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// MongoDB also refuses this type as an `_id`.
    #[error("an _id can't be {found}; use another type, or put the value into a document")]
    UnsupportedType {
        /// The type, with its article.
        found: &'static str,
    },
    /// The key exceeds the length that all backends support.
    #[error(
        "the _id takes {found} bytes as a key; at most {limit} are allowed: use a shorter _id, \
         such as a digest of it"
    )]
    TooLong {
        /// The length of the key.
        found: usize,
        /// The maximum length.
        limit: usize,
    },
    /// Documents, arrays and scopes exceed the maximum nesting.
    #[error("the _id is nested more than {limit} levels deep; use a flatter one")]
    TooDeep {
        /// The maximum number of levels.
        limit: usize,
    },
    /// A document inside the `_id` has two fields of one name, so it is not one value.
    #[error("the _id has two fields named {name:?} in one document; rename or remove one")]
    DuplicateField {
        /// The repeated name.
        name: String,
    },
    /// The value is not BSON, or can't be encoded as BSON.
    #[error("the _id is not valid BSON; write the document again from its source")]
    InvalidBson {
        /// The error of `bson`.
        #[from]
        source: bson::error::Error,
    },
    /// Bytes that are not a key.
    #[error(
        "not a key: at byte {offset}, expected {expected}: \
         the store is damaged or was written by another version"
    )]
    Malformed {
        /// The offset in the key.
        offset: usize,
        /// The expected bytes.
        expected: &'static str,
    },
}

impl From<KeyError> for crate::Error {
    /// Keys are created from a caller's input, so the error has the kind `Invalid`.
    fn from(source: KeyError) -> Self {
        crate::Error::invalid(format!("invalid _id: {source}")).with_source(source)
    }
}
